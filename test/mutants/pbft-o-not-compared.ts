import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/new-view.ts',
  find: 'if (index !== from + 1 + i || digest !== digests[i])',
  replace: 'if (index !== from + 1 + i)',
  why: 'What a NEW-VIEW proposes is not compared with what follows from its view changes (FISCO).',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
