import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/messages.ts',
  find: `  Commit: 'durable',`,
  replace: `  Commit: 'none',`,
  why: 'A COMMIT leaves before its certificate is on disk.',
  seed: 1,
  caughtBy: 'durable-promise',
  needsFaults: true,
}
