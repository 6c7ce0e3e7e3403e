import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'wal/writer.ts',
  find: `    this.#sync(old, () =>
      this.#takeSpare(rotation.capacity`,
  replace: `    ;((next: () => void) => next())(() =>
      this.#takeSpare(rotation.capacity`,
  why: 'A segment is begun while the end of the one before is not on disk: a tear in the middle of the log.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
  killer: {
    file: 'wal/crash.test.ts',
    test: 'loses nothing that a sync covered, resurrects nothing',
  },
}
