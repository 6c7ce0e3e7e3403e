import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'machine/machine.ts',
  find: `    this.#time = place.time
`,
  replace: '',
  why: 'The machine forgets the time that its snapshot was taken at.',
  seed: 1,
  caughtBy: 'state-hash',
  needsFaults: false,
}
