import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'wal/wal.ts',
  find: 'durableBatch: this.#coveredBatch,',
  replace: 'durableBatch: this.#appendedBatch,',
  why: 'A record says that the one before is on disk, which it is not: an ordinary torn tail then looks like corruption.',
  seed: 39,
  caughtBy: 'recovery',
  needsFaults: true,
}
