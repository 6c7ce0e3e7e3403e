import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/records.ts',
  find: 'folded.votedFor = record.votedFor',
  replace: 'folded.votedFor = null',
  why: 'Recovery reads the term back and forgets the vote.',
  seed: 22,
  caughtBy: 'one-vote',
  needsFaults: true,
}
