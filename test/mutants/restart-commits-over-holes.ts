import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/records.ts',
  find: 'commitIndex: Math.min(missingFrom - 1, Math.max(snapshotIndex, folded.bootstrapped ? 1 : 0)),',
  replace: 'commitIndex: Math.max(snapshotIndex, folded.bootstrapped ? 1 : 0),',
  why: 'A node takes for applied what its lost snapshot covered.',
  seed: 4,
  caughtBy: 'recovery',
  needsFaults: true,
}
