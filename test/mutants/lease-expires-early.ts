import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'raft-etcd',
  file: 'machine/kv/lease-commands.ts',
  find: `    if (lease === null || lease.deadline > time) return
`,
  replace: `    if (lease === null || lease.deadline > time + 500) return
`,
  why: 'A lease is gone half a second before its time.',
  seed: 1,
  caughtBy: 'lease-expiry',
  needsFaults: false,
}
