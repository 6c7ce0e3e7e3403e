import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/log.ts',
  find: `if (candidate.term !== mine.term) return candidate.term > mine.term
`,
  replace: '',
  why: 'The longer log wins, be its last term lower: a long tail that never committed beats what did.',
  seed: 30,
  caughtBy: 'leader-completeness',
  needsFaults: true,
}
