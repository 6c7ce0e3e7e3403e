import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/new-view.ts',
  find: 'digests.push(best.get(index)?.digest ?? nullDigest)',
  replace: 'digests.push(best.get(index)?.digest ?? [...best.values()][0]?.digest ?? nullDigest)',
  why: 'An index that nobody prepared is filled with the batch of another.',
  seed: 4,
  caughtBy: 'liveness',
  needsFaults: true,
}
