import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/log.ts',
  find: 'return candidate.index >= mine.index',
  replace: 'return true',
  why: 'Among logs of one last term the shorter one may win.',
  seed: 1,
  caughtBy: 'leader-completeness',
  needsFaults: true,
}
