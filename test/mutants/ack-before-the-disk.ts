import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/messages.ts',
  find: "AppendEntriesReply: 'durable',",
  replace: "AppendEntriesReply: 'none',",
  why: 'A follower acknowledges entries that a power loss takes from it.',
  seed: 1,
  caughtBy: 'durable-match',
  needsFaults: true,
}
