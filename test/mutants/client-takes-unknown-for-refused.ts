import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'client/core/step.ts',
  find: "const definite = outcome.type !== 'Indeterminate'",
  replace: 'const definite = outcome.type.length > 0',
  why: 'An attempt without an answer counts as never appended, and the command as failed.',
  seed: 3,
  caughtBy: 'exactly-once',
  needsFaults: false,
}
