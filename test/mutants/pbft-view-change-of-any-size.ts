import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/proofs.ts',
  find: `    if (index > m.stable + rules.windowIndices) return 'a certificate beyond its window'
`,
  replace: '',
  why: 'A VIEW-CHANGE may show any number of certificates.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
