import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/messages.ts',
  find: "RequestVote: 'durable',",
  replace: "RequestVote: 'none',",
  why: 'A candidate asks for votes while its own vote is not on disk: it dies, and votes for another in that term.',
  seed: 1,
  caughtBy: 'durable-term',
  needsFaults: true,
}
