import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/commitment.ts',
  find: `  s.durableIndex = index
`,
  replace: `  s.durableIndex = end
`,
  why: 'Any sync that ends vouches for what was appended after it had begun.',
  seed: 1,
  caughtBy: 'durable-commit',
  needsFaults: true,
}
