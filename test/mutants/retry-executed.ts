import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'machine/machine.ts',
  find: `    if (stored !== undefined) return stored
`,
  replace: '',
  why: 'A command that is ordered twice is executed twice (fabric 1454).',
  seed: 2,
  caughtBy: 'linearizable',
  needsFaults: false,
}
