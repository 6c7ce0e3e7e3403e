import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/replication.ts',
  find: 'matchIndex: Math.max(lastNew, s.commitIndex) })',
  replace: 'matchIndex: Log.lastIndex(s.log) })',
  why: 'A follower acknowledges its whole log, also the tail of which the leader said nothing.',
  seed: 3,
  caughtBy: 'durable-commit',
  needsFaults: true,
}
