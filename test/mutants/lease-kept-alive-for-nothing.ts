import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'raft-etcd',
  file: 'machine/kv/leases.ts',
  find: `    lease.deadline = time + lease.ttl * 1000
`,
  replace: `    lease.deadline = Math.max(lease.deadline, time)
`,
  why: 'A lease that is kept alive ends when it would have ended anyhow.',
  seed: 1,
  caughtBy: 'lease-expiry',
  needsFaults: false,
}
