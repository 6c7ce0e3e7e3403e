import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/snapshot.ts',
  find: `  out.persist({ type: 'SnapshotTaken', snapshot })
  out.note(`,
  replace: '  out.note(',
  why: 'The log is cut for a snapshot of which no record speaks.',
  seed: 1,
  caughtBy: 'released-early',
  needsFaults: false,
}
