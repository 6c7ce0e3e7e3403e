import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'driver/pending.ts',
  find: `        waiting.appendedTerm === NEVER
          ? { type: 'Overloaded', reason: 'the deadline passed before it was proposed' }`,
  replace: `        waiting.appendedTerm <= Number.MAX_SAFE_INTEGER
          ? { type: 'Overloaded', reason: 'the deadline passed before it was proposed' }`,
  why: 'A timed-out request is told to have failed, and is executed later.',
  seed: 5,
  caughtBy: 'exactly-once',
  needsFaults: false,
}
