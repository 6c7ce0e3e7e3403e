import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'driver/driver.ts',
  find: 'this.#gate.durable(batch)',
  replace: 'this.#gate.durable(this.#gate.emittedBatch)',
  why: 'The end of a sync lets out what waits for a later one.',
  seed: 2,
  caughtBy: 'durable-commit',
  needsFaults: false,
}
