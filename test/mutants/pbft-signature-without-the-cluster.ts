import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/encoding.ts',
  find: `  writeText(w, 'quorate-pbft-statement-1')
  writeText(w, clusterId)
`,
  replace: `  writeText(w, clusterId === '' ? '' : 'quorate-pbft-statement-1')
`,
  why: 'What is signed does not name its cluster: it counts in every other.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
