import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'wal/wal.ts',
  find: `durableBatch: this.#coveredBatch,
      behindDurable,`,
  replace: `durableBatch: 0,
      behindDurable: false,`,
  why: 'Nothing on disk tells what was promised: damage in the middle looks like an unfinished write and is cut off with all behind it.',
  seed: 1,
  caughtBy: 'recovery',
  needsFaults: true,
}
