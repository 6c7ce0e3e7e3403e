import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/ordering.ts',
  find: 'if (digestOf(s, batch) !== proposed.digest)',
  replace: `if (proposed.digest === '')`,
  why: "A proposal's digest need not be that of its batch (Fabric-X 1035).",
  seed: 4,
  caughtBy: 'state-machine-safety',
  needsFaults: true,
}
