import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/new-view.ts',
  find: 'if (m.proposals.length !== digests.length)',
  replace: 'if (m.proposals.length > digests.length)',
  why: 'A NEW-VIEW may leave out what was prepared.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
