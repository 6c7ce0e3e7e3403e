import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/commitment.ts',
  find: 'if (index <= s.commitIndex || Log.termAt(s.log, index) !== s.term) return',
  replace: 'if (index <= s.commitIndex || Log.termAt(s.log, s.commitIndex + 1) !== s.term) return',
  why: 'Entries of an older term in between keep the leader from committing anything (RaftOS 30).',
  seed: 1,
  caughtBy: 'liveness',
  needsFaults: false,
}
