import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'wal/survey.ts',
  find: 'const isSolid = hashed === true && !hasBreak',
  replace: 'const isSolid = !hasBreak',
  why: 'Another whole segment under the name of one is believed.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
  killer: {
    file: 'wal/healing.test.ts',
    test: 'with a whole segment of an earlier life in it does not believe that one',
  },
}
