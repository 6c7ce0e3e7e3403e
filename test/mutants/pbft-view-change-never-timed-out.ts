import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/view-change.ts',
  find: 'if (s.viewChangeElapsed < s.viewChangeTicks) return',
  replace: 'if (s.viewChangeTicks > 0) return',
  why: 'A view that does not come is waited for for ever.',
  seed: 21,
  caughtBy: 'liveness',
  needsFaults: true,
}
