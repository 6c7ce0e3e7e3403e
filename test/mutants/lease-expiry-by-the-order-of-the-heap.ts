import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'raft-etcd',
  file: 'machine/kv/deadlines.ts',
  find: `a.deadline === b.deadline && a.number < b.number`,
  replace: `a.deadline === b.deadline && false`,
  why: 'Leases with one deadline end in the order in which the heap happens to hold them, which a snapshot does not keep.',
  seed: 3,
  caughtBy: 'lease-expiry',
  needsFaults: false,
}
