import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/election.ts',
  find: `const voteGranted = formed && free && isUpToDate(m.lastLog, lastEntry(s.log))
  if (voteGranted) {`,
  replace: `const voteGranted = formed && free
  if (voteGranted) {`,
  why: 'A candidate that lacks committed entries is elected and overwrites them.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
