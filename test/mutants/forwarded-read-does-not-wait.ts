import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/reads.ts',
  find: 'if (read.index === null || read.index > s.lastApplied) waiting.push(read)',
  replace: 'if (read.index === null) waiting.push(read)',
  why: 'A follower answers before it has applied up to the index that the leader named.',
  seed: 3,
  caughtBy: 'exactly-once',
  needsFaults: false,
}
