import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/step.ts',
  find: 'if (!quorumActive(s, leader)) {',
  replace: 'if (!quorumActive(s, leader) && s.term < 0) {',
  why: 'A leader cut off from the majority never steps down, and its clients wait for nothing.',
  seed: 5,
  caughtBy: 'check-quorum',
  needsFaults: true,
}
