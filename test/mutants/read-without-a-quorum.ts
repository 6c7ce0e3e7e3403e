import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/reads.ts',
  find: `  if (voteResult(configurationOf(s), heard) !== 'won') return
`,
  replace: `  if (heard(s.id) !== true) return
`,
  why: 'A leader answers reads of its own authority: a deposed one tells old values.',
  seed: 2,
  caughtBy: 'read-index',
  needsFaults: true,
}
