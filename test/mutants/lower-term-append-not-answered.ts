import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/step.ts',
  find: `    case 'AppendEntries':
      return out.send(from, {
        type: 'AppendEntriesReply',
        term: s.term,
        round: 0,
        incarnation: s.incarnation,
        accepted: false,
        rejected: m.prev.index,
        hint: { index: 0, term: 0 },
      })`,
  replace: `    case 'AppendEntries':
      return`,
  why: 'A follower of a later term is silent to its leader, ignored when it asks for votes, and stays behind for ever.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
  killer: {
    file: 'consensus/paper-election.test.ts',
    test: 'a node that is ahead in its term brings a leader behind it to follow',
  },
}
