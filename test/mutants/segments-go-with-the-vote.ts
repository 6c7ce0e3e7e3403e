import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'wal/retention.ts',
  find: 'if (oldest.number >= this.#stateDurableIn || oldest',
  replace: 'if (oldest.number >= this.newest || oldest',
  why: 'A segment goes before a later State record is on disk, and the vote goes with it.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
