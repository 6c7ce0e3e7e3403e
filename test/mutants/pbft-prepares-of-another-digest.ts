import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/slot.ts',
  find: `      vote.digest === proposed.digest &&
`,
  replace: '',
  why: "The digest is not part of a PREPARE's key: votes for another batch count (Rustchain 2087).",
  seed: 3,
  caughtBy: 'pbft-state',
  needsFaults: true,
}
