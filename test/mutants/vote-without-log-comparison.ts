import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/log.ts',
  find: `  if (candidate.term !== mine.term) return candidate.term > mine.term
  return candidate.index >= mine.index
`,
  replace: `  return candidate.index >= 0 && mine.index >= 0
`,
  why: 'A candidate that lacks committed entries is elected and overwrites them.',
  seed: 3,
  caughtBy: 'leader-completeness',
  needsFaults: true,
}
