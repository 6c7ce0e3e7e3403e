import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/replication.ts',
  find: 'm.prev.index < s.commitIndex || Log.hasEntry(s.log, m.prev)',
  replace: 'm.prev.index <= Log.lastIndex(s.log)',
  why: 'The entry before is compared by index alone, so that logs join which do not match.',
  seed: 2,
  caughtBy: 'log-matching',
  needsFaults: true,
}
