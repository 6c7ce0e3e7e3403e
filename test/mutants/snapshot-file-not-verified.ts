import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'wal/snapshot-reader.ts',
  find: 'if (bytes.length !== length || pieceSum(bytes, number) !== this.#sums[number]) {',
  replace: 'if (bytes.length !== length) {',
  why: 'A rotten snapshot is sent on to a peer.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
  killer: {
    file: 'wal/snapshots.test.ts',
    test: 'with any bit flipped, or cut anywhere, is refused by name',
  },
}
