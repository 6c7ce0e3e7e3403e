import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/state-transfer.ts',
  find: `  out.restore(s.snapshot)
`,
  replace: '',
  why: 'A fetched state is recorded, and the machine goes on with the old one.',
  seed: 2,
  caughtBy: 'apply-order',
  needsFaults: true,
}
