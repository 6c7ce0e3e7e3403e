import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'crypto/keyring.ts',
  find: `if (message.type === 'PrePrepare' && message.batch !== null) {`,
  replace: `if (message.type === 'PrePrepare' && message.batch?.requests.length === 0) {`,
  why: 'Requests in a proposal are not verified: a primary invents them.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
