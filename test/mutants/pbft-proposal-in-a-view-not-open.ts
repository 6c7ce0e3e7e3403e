import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/ordering.ts',
  find: 'if (view !== s.view || !s.active) return',
  replace: 'if (view !== s.view) return',
  why: 'What the primary proposes in a view counts before its NEW-VIEW is there.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
