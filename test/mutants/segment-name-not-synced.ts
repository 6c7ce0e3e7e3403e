import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'wal/segments.ts',
  find: 'then(syncNames))',
  replace: 'then(() => done(bytes)))',
  why: 'A new segment is written to before its name is on disk (etcd 6368: a rename without a sync of the directory).',
  seed: 3,
  caughtBy: 'recovery',
  needsFaults: true,
}
