import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/step.ts',
  find: 'if (m.term < s.term) return answerLowerTerm(s, from, m, out)',
  replace: `if (m.term < s.term && m.type === 'RequestVoteReply')
    return Election.onRequestVoteReply(s, from, { ...m, term: s.term }, out)
  if (m.term < s.term) return answerLowerTerm(s, from, m, out)`,
  why: 'A vote granted in term 1 counts in term 2 (Xraft 33: two leaders in one term).',
  seed: 40,
  caughtBy: 'elected',
  needsFaults: true,
}
