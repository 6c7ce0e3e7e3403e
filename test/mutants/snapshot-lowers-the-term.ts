import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/snapshot.ts',
  find: `  s.commitIndex = snapshot.index
  s.lastApplied = snapshot.index
`,
  replace: `  s.term = snapshot.term
  s.commitIndex = snapshot.index
  s.lastApplied = snapshot.index
`,
  why: 'An installed snapshot sets the term back to its own (PySyncObj 166, WRaft 118.4).',
  seed: 1,
  caughtBy: 'monotonic',
  needsFaults: true,
}
