import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/snapshot.ts',
  find: `    term: last.term,
`,
  replace: `    term: s.term,
`,
  why: "A snapshot bears the node's term and not that of its last entry.",
  seed: 3,
  caughtBy: 'recovery',
  needsFaults: true,
}
