import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/reads.ts',
  find: 'one.id.number === m.id.number && one.id.incarnation === m.id.incarnation',
  replace: 'one.id.number === m.id.number',
  why: 'Ids of forwarded reads begin anew at each start: an old answer fits a new read (etcd 21375).',
  seed: null,
  caughtBy: null,
  needsFaults: true,
  killer: {
    file: 'consensus/paper-reads.test.ts',
    test: 'an answer for another start of this node does not count',
  },
}
