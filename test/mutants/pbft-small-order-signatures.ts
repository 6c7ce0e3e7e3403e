import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'crypto/strict.ts',
  find: 'return !SMALL_ORDER.some((one) => equalBytes(one, r))',
  replace: 'return r.length === 32 || !SMALL_ORDER.some((one) => equalBytes(one, r))',
  why: 'A signature whose R is of small order is taken, by OpenSSL at least.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
