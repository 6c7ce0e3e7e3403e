import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/election.ts',
  find: 'if (s.votedFor === null) recordTerm(s, s.term, from, out)',
  replace: 's.votedFor = from',
  why: 'The vote given to another is kept in memory only: after a restart the node votes again (camunda 1068 and Nebula 3415 had two leaders in a term of a vote not recorded).',
  seed: 1,
  caughtBy: 'durable-vote',
  needsFaults: true,
}
