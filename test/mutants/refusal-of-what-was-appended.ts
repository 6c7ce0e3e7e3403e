import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'driver/pending.ts',
  find: 'if (waiting.appendedTerm === NEVER) this.#end(waiting, outcome)',
  replace: 'if (waiting.appendedTerm <= Number.MAX_SAFE_INTEGER) this.#end(waiting, outcome)',
  why: 'A request that an earlier leadership appended is refused as if it never had been, and executed later.',
  seed: 5,
  caughtBy: 'refused-after-append',
  needsFaults: true,
}
