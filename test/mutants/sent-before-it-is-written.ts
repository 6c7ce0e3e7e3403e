import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/out.ts',
  find: `    if (gate === 'durable') this.#closeBatch()
`,
  replace: '',
  why: 'A promise is handed on before the record that it stands on: the gate knows of no batch to wait for.',
  seed: 1,
  caughtBy: 'durable-match',
  needsFaults: true,
}
