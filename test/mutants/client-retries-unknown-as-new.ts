import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'client/core/step.ts',
  find: 'operation.unanswered++',
  replace: `operation.unanswered++
    operation.seq = 0`,
  why: 'A client that got no answer sends the command again under a new number.',
  seed: 2,
  caughtBy: 'linearizable',
  needsFaults: false,
}
