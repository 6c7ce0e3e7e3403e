import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'state-transfer/plan.ts',
  find: `    if (nameOf(part, this.#newHasher) !== name) return false
`,
  replace: `    if (nameOf(part, this.#newHasher) === '') return false
`,
  why: 'A part is taken for the one that was asked for, whatever it is (CometBFT ASA-2025-002).',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
