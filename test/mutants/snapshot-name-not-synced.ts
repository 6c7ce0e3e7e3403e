import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'wal/snapshot-store.ts',
  find: 'fs.syncDirectory(dir, (lost) => done(lost, lost === null ? written : null))',
  replace: 'done(null, written)',
  why: 'The log goes while the name of the snapshot that replaces it is not on disk.',
  seed: 35,
  caughtBy: 'snapshot-file',
  needsFaults: true,
}
