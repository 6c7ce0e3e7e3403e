import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'wal/survey.ts',
  find: 'const isSolid = hashed === true && isWhole',
  replace: 'const isSolid = isWhole',
  why: 'Another whole segment under the name of one is believed.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
