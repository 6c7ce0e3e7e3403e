import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'raft-etcd',
  file: 'machine/kv/restore.ts',
  find: `  attachAll(store)
`,
  replace: ``,
  why: 'Whoever restored a snapshot does not know what is attached to a lease, and keeps the keys when it ends.',
  seed: 4,
  caughtBy: 'lease-expiry',
  needsFaults: true,
}
