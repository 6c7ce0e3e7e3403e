import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/records.ts',
  find: 'commitIndex: Math.min(missingFrom - 1, Math.max(snapshotIndex, folded.bootstrapped ? 1 : 0)),',
  replace: 'commitIndex: Math.min(missingFrom - 1, Log.lastIndex(log)),',
  why: 'After a restart all that is on disk is applied, though it may never have committed.',
  seed: 1,
  caughtBy: 'durable-commit',
  needsFaults: false,
}
