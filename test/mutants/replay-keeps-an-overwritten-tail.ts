import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/records.ts',
  find: `  Log.truncate(log, first.index - 1)
  Log.append(log, entries, 0)`,
  replace: '  Log.append(log, entries.filter((entry) => entry.index > Log.lastIndex(log)), 0)',
  why: 'A truncation is not replayed: after a restart the overwritten entries are back (qdrant 1329).',
  seed: 5,
  caughtBy: 'durable-log',
  needsFaults: true,
}
