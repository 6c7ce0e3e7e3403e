import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'client/core/step.ts',
  find: `  operation.attempt = null
  if (!definite)`,
  replace: `  operation.attempt = null
  if (outcome.type === 'NotLeader') operation.seq = 0
  if (!definite)`,
  why: 'A command that is sent on to another leader gets a new number: an earlier attempt may have been appended.',
  seed: 2,
  caughtBy: 'linearizable',
  needsFaults: false,
}
