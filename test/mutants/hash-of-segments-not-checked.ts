import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'wal/survey.ts',
  find: 'const isSolid = hashed === true && !hasBreak',
  replace: 'const isSolid = !hasBreak',
  why: 'Another whole segment under the name of one is believed.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
