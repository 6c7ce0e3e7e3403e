import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'driver/effects.ts',
  find: `    this.#ports.machine.inOrder(() => {
      if (!this.#stopped) this.#reads.end(id.number, { type: 'Ready' })
    })`,
  replace: "    this.#reads.end(id.number, { type: 'Ready' })",
  why: 'A read looks at the machine before the entries handed to it are applied.',
  seed: 3,
  caughtBy: 'linearizable',
  needsFaults: true,
}
