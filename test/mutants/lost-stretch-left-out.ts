import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'wal/heal.ts',
  find: `        items.push({ kind: 'lost', shape: shape.payload })
`,
  replace: '',
  why: 'Records in the middle of the log are gone, and the node is not told.',
  seed: 1,
  caughtBy: 'recovery',
  needsFaults: true,
}
