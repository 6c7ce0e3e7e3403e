import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'machine/machine.ts',
  find: `    this.#ordinal = place.ordinal
`,
  replace: '',
  why: 'Ids of sessions are given out again behind a snapshot.',
  seed: 1,
  caughtBy: 'state-hash',
  needsFaults: false,
}
