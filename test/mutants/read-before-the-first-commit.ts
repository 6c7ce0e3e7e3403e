import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/reads.ts',
  find: `  if (termAt(s.log, s.commitIndex) !== s.term) return
`,
  replace: '',
  why: 'A new leader answers reads by a commitIndex that lags behind its predecessor.',
  seed: 3,
  caughtBy: 'read-index',
  needsFaults: false,
}
