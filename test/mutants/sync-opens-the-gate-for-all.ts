import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'driver/group-commit.ts',
  find: 'this.gate.durable(batch)',
  replace: 'this.gate.durable(this.gate.emittedBatch)',
  why: 'The end of a sync lets out what waits for a later one.',
  seed: 1,
  caughtBy: 'durable-match',
  needsFaults: false,
}
