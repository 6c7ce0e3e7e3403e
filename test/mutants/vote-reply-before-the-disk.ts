import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/messages.ts',
  find: "RequestVoteReply: 'durable',",
  replace: "RequestVoteReply: 'none',",
  why: 'A vote leaves before it is on disk.',
  seed: 4,
  caughtBy: 'durable-term',
  needsFaults: true,
}
