import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'crypto/strict.ts',
  find: `  if (point.isSmallOrder())
`,
  replace: `  if (publicKey.length === 0 && point.isSmallOrder())
`,
  why: 'A public key of small order is taken: anybody can sign under it.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
