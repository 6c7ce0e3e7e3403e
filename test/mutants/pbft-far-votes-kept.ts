import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/ordering.ts',
  find: `  if (m.index > highWatermark(s) || m.index <= s.lastExecuted)
`,
  replace: `  if (m.index <= s.lastExecuted)
`,
  why: 'A vote for any index is kept: memory without end (sawtooth).',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
