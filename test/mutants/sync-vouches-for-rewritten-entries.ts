import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/replication.ts',
  find: `    s.durableIndex = Math.min(s.durableIndex, first.index - 1)
`,
  replace: '',
  why: 'Entries that replace others count as on disk because those were (the ABA of asynchronous log writes).',
  seed: 3,
  caughtBy: 'raft-state',
  needsFaults: true,
}
