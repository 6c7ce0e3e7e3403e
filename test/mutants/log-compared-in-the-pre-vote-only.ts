import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/election.ts',
  find: `const voteGranted = formed && free && isUpToDate(m.lastLog, lastEntry(s.log))
  if (voteGranted) {`,
  replace: `const voteGranted = formed && free
  if (voteGranted) {`,
  why: 'Whoever won a pre-vote is elected, though the voters have got more entries since.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
  killer: {
    file: 'consensus/paper-election.test.ts',
    test: 'own entries of terms 1,3, asked with 3@2',
  },
}
