import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/election.ts',
  find: 'const free = s.votedFor === from || (s.votedFor === null && leaderOf(s) === null)',
  replace: 'const free = true',
  why: 'Every candidate of a term gets the vote.',
  seed: 5,
  caughtBy: 'one-vote',
  needsFaults: true,
}
