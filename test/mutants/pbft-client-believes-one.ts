import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'client/core/pbft-step.ts',
  find: 'if (same <= c.faultyMax) return',
  replace: 'if (same < 1) return',
  why: 'The client believes the first replica that answers.',
  seed: 25,
  caughtBy: 'believed-answer',
  needsFaults: true,
}
