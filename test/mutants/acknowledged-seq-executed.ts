import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'machine/machine.ts',
  find: 'if (session === null || seq <= session.ackedThrough) return EXPIRED',
  replace: `if (session === null) return EXPIRED
    if (seq <= session.ackedThrough) return encodeOk(this.#inner.apply(request.command, context))`,
  why: 'A late copy of a command whose answer was acknowledged is executed once more.',
  seed: 3,
  caughtBy: 'exactly-once',
  needsFaults: true,
}
