import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/election.ts',
  find: 'const base = Math.max(lastTime, s.agreedTime)',
  replace: 'const base = Math.max(lastTime, s.agreedTime, s.now)',
  why: 'A new leader goes on from what its own clock shows: agreed time leaps, and every lease expires at once.',
  seed: 1,
  caughtBy: 'raft-state',
  needsFaults: true,
}
