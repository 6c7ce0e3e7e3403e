import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'crypto/keyring.ts',
  find: `if (this.verifyRequest(request)) return true`,
  replace: `if (this.#verifyProposed(request)) return true`,
  why: 'A MAC is enough to be ordered: a client makes it good for the primary alone, and the backups refuse what it proposes (Aardvark).',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
