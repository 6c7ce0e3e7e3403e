import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/snapshot.ts',
  find: 'if (s.log.lostBase !== null && snapshot.index < s.log.offset.index)',
  replace: 'if (s.log.lostBase !== null && snapshot.index < 0)',
  why: 'In the place of a lost snapshot an older one is taken, and the acknowledged entries behind it are dropped.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
  killer: {
    file: 'consensus/healing.test.ts',
    test: 'below a lost one is not taken',
  },
}
