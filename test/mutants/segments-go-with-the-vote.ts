import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'wal/retention.ts',
  find: 'if (last === undefined || last.number > this.#stateDurableIn) return',
  replace: 'if (last === undefined) return',
  why: 'A segment goes before a later State record is on disk, and the vote goes with it.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
  killer: {
    file: 'wal/release.test.ts',
    test: 'keeps the old segment until the State record of the next one is on disk',
  },
}
