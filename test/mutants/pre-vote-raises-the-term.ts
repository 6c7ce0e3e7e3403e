import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/step.ts',
  find: "if (m.type === 'PreVote' || (m.type === 'PreVoteReply' && m.voteGranted)) return true",
  replace: "if (m.type === 'PreVoteReply' && m.voteGranted) return true",
  why: 'To be asked whether one would vote moves the term: pre-vote without its point.',
  seed: 1,
  caughtBy: 'pre-vote-term',
  needsFaults: true,
}
