import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'crypto/keyring.ts',
  find: `const requests = message.requests.filter((request) => this.verifyRequest(request))`,
  replace: `const requests = message.requests.filter((request) => this.#verifyProposed(request))`,
  why: 'A MAC is enough to be ordered: a client makes it good for the primary alone, and the backups refuse what it proposes (Aardvark).',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
