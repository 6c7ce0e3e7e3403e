import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/status.ts',
  find: `  if (served + batches > Math.max(windowIndices, ANSWERS_MIN * catchUpBatchesMax)) return false
`,
  replace: `  if (served > Number.MAX_SAFE_INTEGER - windowIndices - ANSWERS_MIN * catchUpBatchesMax) return false
`,
  why: 'Whoever asks without end is answered without end.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
