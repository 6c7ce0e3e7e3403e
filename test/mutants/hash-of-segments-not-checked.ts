import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'wal/recovery.ts',
  find: `    if (next !== null) checkHash(file, next, newHasher)
`,
  replace: '',
  why: 'Another whole segment under the name of one is not noticed.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
