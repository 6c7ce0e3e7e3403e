import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/snapshot.ts',
  find: `    matchIndex: s.commitIndex,
`,
  replace: `    matchIndex: Math.max(s.commitIndex, s.log.offset.index + s.log.entries.length),
`,
  why: 'The answer to a snapshot vouches for what lies behind it in the log, of which the leader knows nothing.',
  seed: 31,
  caughtBy: 'acknowledged-hole',
  needsFaults: true,
}
