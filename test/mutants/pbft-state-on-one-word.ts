import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/snapshot.ts',
  find: 'const needed = weakQuorum(s.replicas.length)',
  replace: 'const needed = Math.min(1, weakQuorum(s.replicas.length))',
  why: 'A state is fetched when a single replica vouches for it.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
