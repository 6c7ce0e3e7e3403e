import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/commitment.ts',
  find: `    out.apply(entries)
`,
  replace: `    out.apply(entries.map((entry) => ({ ...entry, time: s.now })))
`,
  why: 'Each node lets sessions expire by its own clock instead of the agreed time (etcd let a stale leader revoke leases).',
  seed: 1,
  caughtBy: 'state-machine-safety',
  needsFaults: false,
}
