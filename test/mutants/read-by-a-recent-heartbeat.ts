import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/reads.ts',
  find: '(progress.get(id)?.round ?? 0) >= confirming.round ? true',
  replace: 'progress.get(id)?.recentActive === true ? true',
  why: 'Any answer of late confirms a read, as in a lease that nobody granted.',
  seed: 2,
  caughtBy: 'read-index',
  needsFaults: true,
}
