import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/index.ts',
  find: `    if (state.log.snapshot !== null) out.restore(state.log.snapshot)
`,
  replace: '',
  why: 'A restart goes on from the index of a snapshot that was never loaded (rqlite 2747).',
  seed: 1,
  caughtBy: 'apply-order',
  needsFaults: true,
}
