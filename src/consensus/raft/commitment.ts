/** How far the log is on our disk, committed (§5.3, §5.4.2) and applied. */
import { assert, present } from '../../base/assert.js'
import type { Index } from '../ids.js'
import { committedIndex } from '../quorum.js'
import { tellOwedNews } from './append-entries.js'
import * as Log from './log.js'
import { onReadableCommit } from './reads.js'
import { maybeTakeSnapshot } from './snapshot.js'
import { configurationOf, type RaftOut, type State } from './state.js'

/** Entries handed to the machine in one Apply, so that no step builds an unbounded effect. */
const APPLY_ENTRIES_MAX = 1024

/**
 * The last index up to which every entry's own batch is on disk. Batches, not indices: 1. batch 10 holds 5..7 of
 * term 3; 2. they are truncated, batch 11 holds 5 and 6 of term 4; 3. Persisted{10} must vouch for none of them.
 */
export function advanceDurable(s: State): void {
  const { log } = s
  if (log.lostBase !== null) return
  const end = Math.min(Log.lastIndex(log), Log.firstMissing(log) - 1)
  let index = Math.max(s.durableIndex, log.offset.index)
  while (index < end) {
    const batch = present(log.batches[index - log.offset.index], 'batch')
    if (batch > s.persistedBatch) break
    index++
  }
  s.durableIndex = index
}

/**
 * Commits by counting only an entry of the own term (§5.4.2, Figure 8): an older one on a majority may still be
 * overwritten; it commits with the first own entry behind it. The leader counts itself by what is on its disk.
 */
export function advanceCommit(s: State, out: RaftOut): void {
  assert(s.role.type === 'leader')
  const { progress } = s.role
  const index = committedIndex(configurationOf(s), (id) =>
    id === s.id ? s.durableIndex : (progress.get(id)?.matchIndex ?? 0),
  )
  if (index <= s.commitIndex || Log.termAt(s.log, index) !== s.term) return
  commitTo(s, index, out)
  onReadableCommit(s, out)
  tellOwedNews(s, s.role, out)
}

/** commitIndex only rises; what it passes is applied in order. */
export function commitTo(s: State, index: Index, out: RaftOut): void {
  if (index <= s.commitIndex) return
  assert(index <= Log.lastIndex(s.log), 'only what is in the log commits')
  s.commitIndex = index
  out.note({ rule: '§5.3', event: 'committed', index })
  applyCommitted(s, out)
}

export function applyCommitted(s: State, out: RaftOut): void {
  while (s.lastApplied < s.commitIndex) {
    const through = Math.min(s.commitIndex, s.lastApplied + APPLY_ENTRIES_MAX)
    const entries = Log.slice(s.log, s.lastApplied, through)
    assert(entries.length === through - s.lastApplied, 'committed entries are in memory')
    out.apply(entries)
    s.lastApplied = through
    for (const entry of entries) {
      s.appliedBytesSinceSnapshot += entry.sizeBytes
      if (s.role.type === 'leader' && entry.term === s.term) {
        s.role.uncommitted.requests -= entry.requests.length
        s.role.uncommitted.bytes -= entry.sizeBytes
      }
    }
  }
  maybeTakeSnapshot(s, out)
}
