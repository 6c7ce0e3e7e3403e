import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'crypto/keyring.ts',
  find: `      return { ...message, requests }
`,
  replace: `      return requests.length === message.requests.length ? message : null
`,
  why: 'One bad request refuses all that were handed on with it: one client stalls the others (Aardvark).',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
