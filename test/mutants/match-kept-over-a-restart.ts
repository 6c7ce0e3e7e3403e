import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/replication.ts',
  find: `  if (p.incarnation !== null && p.incarnation !== m.incarnation)
    return beginSession(s, from, m.incarnation, out)
`,
  replace: '',
  why: "What an earlier start of a peer acknowledged counts for the present one (openraft's replication sessions).",
  seed: 2,
  caughtBy: 'match-of-a-start',
  needsFaults: true,
}
