import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/replication.ts',
  find: 'const next = Math.min(m.rejected, Math.min(match.index, m.hint.index) + 1)',
  replace: 'const next = Math.max(m.rejected + 1, Math.min(match.index, m.hint.index))',
  why: 'After a rejection the leader asks for the same place again.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
