import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/commitment.ts',
  find: 'id === s.id ? s.durableIndex :',
  replace: 'id === s.id ? Log.lastIndex(s.log) :',
  why: 'The leader counts its own copy before its sync (etcd 14370: a cluster of one acknowledged unsynced writes for years).',
  seed: 1,
  caughtBy: 'durable-commit',
  needsFaults: true,
}
