import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'driver/gate.ts',
  find: 'if (this.#emitted <= this.#durable) this.#leave(item)',
  replace: 'if (this.#emitted <= this.#durable + 1) this.#leave(item)',
  why: 'A reply leaves while the last batch that it vouches for is not on disk yet.',
  seed: 1,
  caughtBy: 'durable-match',
  needsFaults: true,
}
