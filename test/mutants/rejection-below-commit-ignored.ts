import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/replication.ts',
  find: 'm.rejected <= p.matchIndex ||',
  replace: 'm.rejected <= s.commitIndex ||',
  why: 'A follower that lags behind what is committed is never asked for an earlier place.',
  seed: 3,
  caughtBy: 'liveness',
  needsFaults: false,
}
