import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/replication.ts',
  find: `const lastNew = m.prev.index + m.entries.length
  commitTo(s, Math.min(m.leaderCommit, lastNew), out)`,
  replace: `const lastNew = m.prev.index + m.entries.length
  commitTo(s, Math.min(m.leaderCommit, Log.lastIndex(s.log)), out)`,
  why: 'A follower commits its own tail up to leaderCommit, though the message said nothing of it (WRaft 118.2 committed a foreign entry after an empty append).',
  seed: 5,
  caughtBy: 'committed-entry',
  needsFaults: true,
}
