import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/quorum.ts',
  find: 'return faultsMax(n) + 1',
  replace: 'return faultsMax(n)',
  why: 'f replicas are a weak quorum: liars alone draw everybody from view to view.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
