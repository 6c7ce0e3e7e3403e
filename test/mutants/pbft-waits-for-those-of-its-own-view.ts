import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/view-change.ts',
  find: `  if (left.length < q) return
`,
  replace: `  if (left.filter((m) => m.view === s.view).length < q) return
`,
  why: 'A view is given up only where Q ask for that very view: of three that live some may never meet.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
