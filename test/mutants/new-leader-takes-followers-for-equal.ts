import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/progress.ts',
  find: `matchIndex: 0,
    nextIndex,`,
  replace: `matchIndex: nextIndex - 1,
    nextIndex,`,
  why: 'A new leader counts its whole log as replicated before anybody has answered.',
  seed: 1,
  caughtBy: 'match-of-a-start',
  needsFaults: false,
}
