import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/progress.ts',
  find: `  if (index <= p.matchIndex) return false
  p.matchIndex = index`,
  replace: `  if (index === p.matchIndex) return false
  p.matchIndex = index`,
  why: 'An acknowledgement that was overtaken lowers matchIndex (RaftOS 26).',
  seed: 1,
  caughtBy: 'match-rises',
  needsFaults: true,
}
