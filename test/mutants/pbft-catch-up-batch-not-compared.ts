import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/status.ts',
  find: 'if (first === undefined || problem !== null || digestOf(s, m.batch) !== first.digest)',
  replace: 'if (first === undefined || problem !== null)',
  why: 'Whoever is behind executes any batch that comes with good commits.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
