import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/records.ts',
  find: `        setHardState(folded, record.shape)
`,
  replace: `        setHardState(folded, { ...record.shape, votedFor: null })
`,
  why: 'Behind damage the node knows its log by the shape and forgets what it had voted.',
  seed: 1,
  caughtBy: 'durable-vote',
  needsFaults: true,
}
