import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'driver/effects.ts',
  find: `          if (!this.#stopped) this.#pending.restored((s, q) => machine.storedAnswer(s, q))
`,
  replace: '',
  why: 'Requests whose entries came with a snapshot are never answered.',
  seed: 4,
  caughtBy: 'restore-answers',
  needsFaults: true,
}
