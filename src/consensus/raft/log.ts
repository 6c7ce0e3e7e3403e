/**
 * The log since a little before the last snapshot, in memory. Reads of it never fail and never wait.
 *
 * Invariants
 * 1. entries[k].index === offset + 1 + k; terms never decrease.
 * 2. snapshot.index >= offset: what is gone from memory is in the snapshot.
 * 3. batches[k] is the batch that wrote entries[k]; 0 for what recovery found on disk.
 */
import { assert, present } from '../../base/assert.js'
import type { SnapshotMeta } from '../contract.js'
import type { Index } from '../ids.js'
import type { EntryId, LogEntry } from './messages.js'

export interface Log {
  /** The entry before the first one in memory; index 0, term 0 before all. */
  offset: EntryId
  entries: LogEntry[]
  batches: number[]
  snapshot: SnapshotMeta | null
}

export function emptyLog(): Log {
  return { offset: { index: 0, term: 0 }, entries: [], batches: [], snapshot: null }
}

export function lastIndex(log: Log): Index {
  return log.offset.index + log.entries.length
}

export function lastEntry(log: Log): EntryId {
  const last = log.entries[log.entries.length - 1]
  return last === undefined ? log.offset : { index: last.index, term: last.term }
}

export function snapshotIndex(log: Log): Index {
  return log.snapshot?.index ?? 0
}

/** Null below the first entry in memory and above the last. */
export function termAt(log: Log, index: Index): number | null {
  if (index === log.offset.index) return log.offset.term
  return log.entries[index - log.offset.index - 1]?.term ?? null
}

export function entryAt(log: Log, index: Index): LogEntry {
  return present(log.entries[index - log.offset.index - 1], `entry ${index}`)
}

/** Log Matching, one point of it (§5.3): do we have this very entry? */
export function hasEntry(log: Log, id: EntryId): boolean {
  return termAt(log, id.index) === id.term
}

/** Entries (from, through]. */
export function slice(log: Log, from: Index, through: Index): LogEntry[] {
  return log.entries.slice(from - log.offset.index, through - log.offset.index)
}

/** Is `candidate` at least as up to date as `mine`? The later last term wins, then the longer log (§5.4.1). */
export function isUpToDate(candidate: EntryId, mine: EntryId): boolean {
  if (candidate.term !== mine.term) return candidate.term > mine.term
  return candidate.index >= mine.index
}

/**
 * The last entry not above `id.index` whose term is not above `id.term`: the highest one that could match a
 * log which has `id`. Skips whole terms, so that probing costs a round a term and not a round an entry (§5.3).
 */
export function lastPossibleMatch(log: Log, id: EntryId): EntryId {
  let index = Math.min(id.index, lastIndex(log))
  while (index > log.offset.index) {
    const term = present(termAt(log, index))
    if (term <= id.term) return { index, term }
    index--
  }
  return log.offset
}

export function append(log: Log, entries: readonly LogEntry[], batch: number): void {
  for (const entry of entries) {
    assert(entry.index === lastIndex(log) + 1, 'the log has no holes')
    assert(entry.term >= lastEntry(log).term, 'terms never decrease along the log')
    log.entries.push(entry)
    log.batches.push(batch)
  }
}

/** Drops everything behind `index`. */
export function truncate(log: Log, index: Index): void {
  assert(index >= log.offset.index, 'what the snapshot covers is never truncated')
  log.entries.length = index - log.offset.index
  log.batches.length = log.entries.length
}

/** Forgets entries up to `index`, which the snapshot covers. */
export function compact(log: Log, index: Index): void {
  assert(index <= snapshotIndex(log), 'only what a snapshot covers may go')
  if (index <= log.offset.index) return
  const term = present(termAt(log, index), 'term at the compaction point')
  const gone = index - log.offset.index
  log.entries = log.entries.slice(gone)
  log.batches = log.batches.slice(gone)
  log.offset = { index, term }
}

/** A snapshot replaces the whole log. */
export function resetTo(log: Log, snapshot: SnapshotMeta): void {
  log.entries = []
  log.batches = []
  log.offset = { index: snapshot.index, term: snapshot.term }
  log.snapshot = snapshot
}

/** The index up to which the log may be compacted so that the tail keeps within both bounds. */
export function compactionPoint(log: Log, keepEntries: number, keepBytes: number): Index {
  let index = snapshotIndex(log)
  let bytes = 0
  let kept = 0
  while (index > log.offset.index && kept < keepEntries) {
    bytes += entryAt(log, index).sizeBytes
    if (bytes > keepBytes) break
    index--
    kept++
  }
  return index
}
