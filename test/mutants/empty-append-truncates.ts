import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/replication.ts',
  find: `  appendFromLeader(s, m, out)
`,
  replace: `  if (m.entries.length === 0 && m.prev.index >= s.commitIndex) {
    Log.truncate(s.log, m.prev.index)
    s.durableIndex = Math.min(s.durableIndex, m.prev.index)
  }
  appendFromLeader(s, m, out)
`,
  why: 'A late heartbeat cuts the log where it ended when that was sent (RaftOS 25).',
  seed: 3,
  caughtBy: 'leader-completeness',
  needsFaults: false,
}
