import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/new-view.ts',
  find: 'if (known === undefined || known.view < proposed.view)',
  replace: 'if (known === undefined || known.view > proposed.view)',
  why: 'Of two certificates for one index the one of the lower view holds (themis takes any).',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
