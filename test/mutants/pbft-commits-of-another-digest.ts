import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/slot.ts',
  find: 'one.view === view && one.digest === digest',
  replace: 'one.view === view',
  why: "The digest is not part of a COMMIT's key: votes for two batches are added up.",
  seed: 4,
  caughtBy: 'committed-batch',
  needsFaults: true,
}
