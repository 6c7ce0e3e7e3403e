import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/replication.ts',
  find: '(entry) => entry.index > s.commitIndex && !Log.hasEntry(s.log, entry),',
  replace: '(entry) => entry.index > Log.lastIndex(s.log),',
  why: 'Entries that contradict those of the leader stay, and new ones go behind them.',
  seed: 2,
  caughtBy: 'durable-commit',
  needsFaults: true,
}
