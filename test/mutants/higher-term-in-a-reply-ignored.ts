import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/step.ts',
  find: '  // A pre-vote and its grant speak of a term that nobody has begun.',
  replace: `  if (m.type === 'AppendEntriesReply') return false
`,
  why: 'A leader does not hear that a follower is in a later term: that follower is never reached again.',
  seed: 99,
  caughtBy: 'match-of-a-start',
  needsFaults: true,
}
