import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'wal/record.ts',
  find: `  if (headerSum(segment, offset, place) !== sum) return null
`,
  replace: '',
  why: 'A torn header is believed, its length too.',
  seed: 1,
  caughtBy: 'recovery',
  needsFaults: true,
}
