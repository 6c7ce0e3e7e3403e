import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'wal/heal.ts',
  find: "stretchOf(lost.error, shape === null ? 'hopeless' : 'lost')",
  replace: "stretchOf(lost.error, 'lost')",
  why: 'A log of which nothing tells what was lost is read as if nothing were.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
  killer: {
    file: 'wal/healing.test.ts',
    test: 'behind whose damage whole records lie, and none that tells what is lost',
  },
}
