import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/checkpoint.ts',
  find: 'const certificate = agreeing(s, index, quorum(s.replicas.length))',
  replace: 'const certificate = agreeing(s, index, 1)',
  why: 'A checkpoint is stable when a single replica says so.',
  seed: 1,
  caughtBy: 'pbft-state',
  needsFaults: true,
}
