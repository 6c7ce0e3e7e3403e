import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/hearing.ts',
  find: 's.heard.size + 1 < quorum(s.replicas.length)',
  replace: 's.heard.size + 1 < s.replicas.length',
  why: 'Patience is counted while all are heard: one liar that is silent stops it, and a silent primary stays.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
  killer: {
    file: 'consensus/pbft/hearing.test.ts',
    test: 'of 4, 1 that are silent',
  },
}
