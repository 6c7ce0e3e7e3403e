import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/messages.ts',
  find: `  PrePrepare: 'durable',`,
  replace: `  PrePrepare: 'none',`,
  why: 'A PRE-PREPARE leaves before it is on disk.',
  seed: 1,
  caughtBy: 'durable-promise',
  needsFaults: true,
}
