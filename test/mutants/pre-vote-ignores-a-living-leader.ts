import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/step.ts',
  find: 'if (asksForVote && Election.leaderIsAlive(s)) {',
  replace: 'if (m.term < 0 && asksForVote) {',
  why: 'A node that lost touch deposes a leader whom everybody else hears.',
  seed: 1,
  caughtBy: 'leader-stays',
  needsFaults: true,
}
