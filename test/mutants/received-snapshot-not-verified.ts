import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'wal/snapshot-store.ts',
  find: 'expected === null || (expected.digest === written.digest && expected.bytes === written.bytes)',
  replace: 'expected === null || written.bytes >= 0',
  why: 'Whatever arrives takes the place of the snapshot that was announced.',
  seed: 32,
  caughtBy: 'snapshot-file',
  needsFaults: true,
}
