import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/replication.ts',
  find: 'if (!known || m.prev.index >= Log.firstMissing(s.log) || s.log.lostBase !== null) {',
  replace: 'if (!known) {',
  why: 'A node with a damaged log acknowledges what it knows by index and term alone: the second copy of a committed entry is none.',
  seed: 25,
  caughtBy: 'acknowledged-hole',
  needsFaults: true,
}
