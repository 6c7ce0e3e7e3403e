import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/reads.ts',
  find: 's.role.queued.push(read)',
  replace: ';(s.role.confirming?.reads ?? s.role.queued).push(read)',
  why: 'A read is served by a round of heartbeats that was sent before it came (etcd 20418 told old values after a pause).',
  seed: 2,
  caughtBy: 'read-index',
  needsFaults: true,
}
