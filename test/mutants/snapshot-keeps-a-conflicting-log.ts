import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/snapshot.ts',
  find: `  Log.resetTo(s.log, snapshot)
`,
  replace: `  const entries = s.log.entries.filter((entry) => entry.index > snapshot.index)
  Log.resetTo(s.log, snapshot)
  s.log.entries = entries
  s.log.batches = entries.map(() => 0)
`,
  why: 'What lies behind an installed snapshot stays, though it does not follow from it (hashicorp/raft 697).',
  seed: 91,
  caughtBy: 'raft-state',
  needsFaults: true,
}
