import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/commitment.ts',
  find: 'if (index <= s.commitIndex || Log.termAt(s.log, index) !== s.term) return',
  replace: 'if (index <= s.commitIndex) return',
  why: 'Copies of an entry of an older term are counted, which the next leader may still overwrite (Figure 8; PySyncObj 169).',
  seed: 1,
  caughtBy: 'commit-own-term',
  needsFaults: true,
}
