import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/checkpoint.ts',
  find: 'const group = byDigest.get(one.digest)',
  replace: 'const group = [...byDigest.values()][0]',
  why: 'Checkpoints of different states are added up.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
