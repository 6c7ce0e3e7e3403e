import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/messages.ts',
  find: `  ViewChange: 'durable',`,
  replace: `  ViewChange: 'none',`,
  why: 'A VIEW-CHANGE leaves before the replica is sure to remember it.',
  seed: 1,
  caughtBy: 'durable-promise',
  needsFaults: true,
}
