import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'wal/retention.ts',
  find: 'if (last === undefined || last.number > this.#stateDurableIn) return',
  replace: 'if (last === undefined) return',
  why: 'A segment goes before a later State record is on disk, and the vote goes with it.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
