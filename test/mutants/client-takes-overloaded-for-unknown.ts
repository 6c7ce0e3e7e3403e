import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'client/core/step.ts',
  find: "const definite = outcome.type !== 'Indeterminate'",
  replace: "const definite = outcome.type === 'NotLeader' || outcome.type === 'Unreachable'",
  why: 'A definite refusal is reported as an unknown outcome.',
  seed: 3,
  caughtBy: 'definite-refusal',
  needsFaults: true,
}
