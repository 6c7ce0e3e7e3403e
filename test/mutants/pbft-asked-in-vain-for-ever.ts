import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/status.ts',
  find: 'if (votes === null) s.askedInVainElapsed ??= 0',
  replace: 'if (votes === null) return',
  why: 'Where each has a file of another index nobody writes one in which they agree, and one behind never gets a state.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
  killer: {
    file: 'consensus/pbft/regressions.test.ts',
    test: 'who is behind gets a state also where each of the others has a file of another index',
  },
}
