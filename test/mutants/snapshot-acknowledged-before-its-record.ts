import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/snapshot.ts',
  find: `  out.persist({ type: 'SnapshotInstalled', snapshot })
`,
  replace: '',
  why: 'A snapshot is installed and acknowledged, and the log never told of it.',
  seed: 1,
  caughtBy: 'released-early',
  needsFaults: true,
}
