import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/replication.ts',
  find: '(entry) => entry.index > s.commitIndex && !Log.hasEntry(s.log, entry),',
  replace: '(entry) => entry.index > s.commitIndex,',
  why: 'An old, shorter message cuts off what was acknowledged since (async-raft lost committed entries so).',
  seed: 3,
  caughtBy: 'durable-commit',
  needsFaults: false,
}
