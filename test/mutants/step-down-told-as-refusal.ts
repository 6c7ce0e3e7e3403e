import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'driver/pending.ts',
  find: "this.#end(waiting, indeterminate('its leader stepped down'))",
  replace: "this.#end(waiting, { type: 'Overloaded', reason: 'its leader stepped down' })",
  why: 'Requests pending at a step-down are told to have failed; their entries may live on.',
  seed: 1,
  caughtBy: 'refused-after-append',
  needsFaults: true,
}
