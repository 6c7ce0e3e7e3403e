import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/view-change.ts',
  find: `  if (problem !== null) return out.note({ ...about, event: 'view-change-refused', detail: problem })
`,
  replace: `  if (problem !== null) out.note({ ...about, event: 'view-change-refused', detail: problem })
`,
  why: 'A VIEW-CHANGE counts although one of its certificates does not hold: its new view is refused (concord 50).',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
