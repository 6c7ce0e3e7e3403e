import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/election.ts',
  find: 'const base = continuedTime(s)',
  replace: 'const base = Math.max(continuedTime(s), s.now)',
  why: 'A new leader goes on from what its own clock shows: agreed time leaps, and every lease expires at once.',
  seed: 1,
  caughtBy: 'raft-state',
  needsFaults: true,
}
