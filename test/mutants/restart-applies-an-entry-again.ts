import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/records.ts',
  find: `    lastApplied: snapshotIndex,
`,
  replace: `    lastApplied: Math.max(log.offset.index, snapshotIndex - 1),
`,
  why: 'The entry that the snapshot ends with is applied once more after a restart (rqlite 2759).',
  seed: 1,
  caughtBy: 'apply-order',
  needsFaults: false,
}
