import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/new-view.ts',
  find: `  out.persist({ type: 'NewViewAccepted', newView: m })
`,
  replace: '',
  why: 'A replica does not write which view it entered.',
  seed: 1,
  caughtBy: 'durable-promise',
  needsFaults: true,
}
