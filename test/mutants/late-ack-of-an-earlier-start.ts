import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/replication.ts',
  find: 'if (m.round < p.sessionRound) {',
  replace: 'if (m.round < 0) {',
  why: 'The acknowledgement of an earlier start of a peer, arriving late, counts for the present one.',
  seed: 3,
  caughtBy: 'match-of-a-start',
  needsFaults: true,
}
