import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/ordering.ts',
  find: 'return keys.size === batch.requests.length ? null :',
  replace: 'return keys.size <= batch.requests.length ? null :',
  why: 'A batch may hold one request twice.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
