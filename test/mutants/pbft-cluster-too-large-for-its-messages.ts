import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'crypto/cluster-file.ts',
  find: 'export const NODES_MAX = 16',
  replace: 'export const NODES_MAX = 64',
  why: 'A cluster may be so large that its NEW-VIEW fits no message and no record (CometBFT 1253, 6015).',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
