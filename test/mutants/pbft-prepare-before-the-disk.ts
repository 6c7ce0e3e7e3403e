import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/messages.ts',
  find: `  Prepare: 'durable',`,
  replace: `  Prepare: 'none',`,
  why: 'A PREPARE leaves before what it accepted is on disk.',
  seed: 1,
  caughtBy: 'durable-promise',
  needsFaults: true,
}
