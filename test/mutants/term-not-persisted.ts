import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/election.ts',
  find: 'if (term > s.term) recordTerm(s, term, null, out)',
  replace: `if (term > s.term) {
    s.term = term
    s.votedFor = null
  }`,
  why: 'A term heard of is not written: after a restart the node speaks in an older one.',
  seed: 1,
  caughtBy: 'durable-term',
  needsFaults: true,
}
