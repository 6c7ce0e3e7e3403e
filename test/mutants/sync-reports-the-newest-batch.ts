import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'wal/wal.ts',
  find: 'for (const sync of syncs) sync.done(sync.batch)',
  replace: 'for (const sync of syncs) sync.done(this.#appendedBatch)',
  why: 'A sync vouches for what was appended while it ran.',
  seed: 3,
  caughtBy: 'durable-batch',
  needsFaults: false,
}
