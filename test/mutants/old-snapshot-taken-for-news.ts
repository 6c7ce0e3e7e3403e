import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/snapshot.ts',
  find: 'if (snapshot.index <= s.commitIndex) {',
  replace: 'if (snapshot.index <= Log.snapshotIndex(s.log)) {',
  why: 'A snapshot older than what is committed here is installed.',
  seed: 19,
  caughtBy: 'monotonic',
  needsFaults: false,
}
