import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'wal/heal.ts',
  find: "const isSound = behind?.type !== 'clash' && (before === null || isVouchedFor(group))",
  replace: 'const isSound = groups.length > 0',
  why: 'Behind damage every whole record is believed, also an old one that a lost write left in its place.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
  killer: {
    file: 'wal/healing.test.ts',
    test: 'with a record of an earlier life in it does not believe what may be of that life',
  },
}
