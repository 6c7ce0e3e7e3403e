import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/state-transfer.ts',
  find: `  s.history = vote.history
`,
  replace: '',
  why: 'What was executed before a fetched state is not in the digests behind it.',
  seed: 3,
  caughtBy: 'apply-order',
  needsFaults: true,
}
