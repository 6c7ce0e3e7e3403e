import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/records.ts',
  find: 'folded.votedFor = record.votedFor',
  replace: 'folded.votedFor = null',
  why: 'Recovery reads the term back and forgets the vote.',
  seed: 1,
  caughtBy: 'durable-vote',
  needsFaults: true,
}
