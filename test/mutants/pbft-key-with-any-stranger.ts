import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'crypto/request-macs.ts',
  find: `    if ((this.#counts.get(id) ?? 0) < BARE_SIGNATURES) return null
`,
  replace: '',
  why: 'A key is agreed on with whoever sends MACs: one request each, under ever new keys, costs a backup some ten times what it costs to verify.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
