import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/status.ts',
  find: `  helpIntoView(s, from, m, out)
`,
  replace: `  s.lastExecuted = Math.max(s.lastExecuted, m.executed)
  helpIntoView(s, from, m, out)
`,
  why: 'What a peer says of how far it is moves us (CometBFT ASA-2025-001).',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
