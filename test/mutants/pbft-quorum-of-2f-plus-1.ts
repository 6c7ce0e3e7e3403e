import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/quorum.ts',
  find: 'return Math.ceil((n + faultsMax(n) + 1) / 2)',
  replace: 'return 2 * faultsMax(n) + 1',
  why: 'Q is 2f+1 for every n: with five or six replicas two quorums may share none that is honest.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
