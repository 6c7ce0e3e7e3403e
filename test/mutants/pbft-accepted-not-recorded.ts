import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/ordering.ts',
  find: `  out.persist({ type: 'Accepted', proposed, batch })
`,
  replace: '',
  why: 'What is accepted is not written.',
  seed: 1,
  caughtBy: 'durable-promise',
  needsFaults: true,
}
