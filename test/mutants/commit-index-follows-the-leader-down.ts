import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/commitment.ts',
  find: `  if (index <= s.commitIndex) return
  assert(index <= Log.lastIndex(s.log)`,
  replace: `  if (index === s.commitIndex) return
  assert(index <= Log.lastIndex(s.log)`,
  why: 'The lower leaderCommit of a new leader lowers commitIndex (PySyncObj 166).',
  seed: 1,
  caughtBy: 'monotonic',
  needsFaults: false,
}
