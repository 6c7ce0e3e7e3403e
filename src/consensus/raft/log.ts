/**
 * The log since a little before the last snapshot, in memory. Reads of it never fail and never wait.
 *
 * Invariants
 * 1. entries[k].index === offset + 1 + k; terms never decrease.
 * 2. snapshot.index >= offset: what is gone from memory is in the snapshot. If the base is lost there is no snapshot,
 *    and nobody here has what lies at and below offset.
 * 3. batches[k] is the batch that wrote entries[k]; 0 for what recovery found on disk.
 * 4. holes ascend and lie above offset and snapshot. The entry at a hole has the right index and term, and nothing
 *    else: its disk lost the content. Only recovery makes holes.
 */
import { assert, present } from '../../base/assert.js'
import type { Configuration, SnapshotMeta } from '../contract.js'
import type { Index } from '../ids.js'
import type { EntryId, LogEntry } from './messages.js'
import type { ConfigurationAt } from './state.js'

export interface Log {
  /** The entry before the first one in memory; index 0, term 0 before all. */
  offset: EntryId
  entries: LogEntry[]
  batches: number[]
  snapshot: SnapshotMeta | null
  holes: Index[]
  /** Not null: the snapshot at `offset` is lost. The newest configuration that is known from below it. */
  lostBase: Configuration | null
  /**
   * The newest configuration that a shape told of; it holds where its entry is a hole. Should a leader truncate that, one
   * before it may stand in a hole too: this node knows whom to ask, and not for certain who decides. It decides nothing.
   */
  told: ConfigurationAt | null
}

export function emptyLog(): Log {
  return {
    offset: { index: 0, term: 0 },
    entries: [],
    batches: [],
    snapshot: null,
    holes: [],
    lostBase: null,
    told: null,
  }
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

/** The entry that the snapshot ends with, whether the snapshot is there or lost; index 0, term 0 without one. */
export function baseOf(log: Log): EntryId {
  if (log.lostBase !== null) return log.offset
  return { index: log.snapshot?.index ?? 0, term: log.snapshot?.term ?? 0 }
}

/** The first index whose content nobody here has; behind it nothing is applied, committed or acknowledged. */
export function firstMissing(log: Log): Index {
  if (log.lostBase !== null) return 1
  return log.holes[0] ?? Number.POSITIVE_INFINITY
}

export function missingCount(log: Log): number {
  return log.holes.length + (log.lostBase === null ? 0 : log.offset.index)
}

export function isWhole(log: Log): boolean {
  return log.holes.length === 0 && log.lostBase === null
}

export function isHole(log: Log, index: Index): boolean {
  const { holes } = log
  if (holes.length === 0) return false
  let from = 0
  let to = holes.length
  while (from < to) {
    const middle = (from + to) >>> 1
    if ((holes[middle] ?? 0) < index) from = middle + 1
    else to = middle
  }
  return holes[from] === index
}

/** What stands at a hole: the index and the term of the entry that was there. */
export function holeAt(id: EntryId): LogEntry {
  return { ...id, time: 0, requests: [], configuration: null, sizeBytes: 0 }
}

/** Is this very entry here, and not as a hole? */
export function hasContent(log: Log, id: EntryId): boolean {
  return id.index > log.offset.index && hasEntry(log, id) && !isHole(log, id.index)
}

/** Of these entries, those for which there is a hole of the same index and term. */
export function fillable(log: Log, entries: readonly LogEntry[]): LogEntry[] {
  return entries.filter((entry) => hasEntry(log, entry) && isHole(log, entry.index))
}

/** Puts entries where holes of the same index and term are. */
export function fill(log: Log, entries: readonly LogEntry[], batch: number): void {
  const filled = fillable(log, entries)
  for (const entry of filled) {
    log.entries[entry.index - log.offset.index - 1] = entry
    log.batches[entry.index - log.offset.index - 1] = batch
  }
  const indices = new Set(filled.map((entry) => entry.index))
  if (indices.size > 0) log.holes = log.holes.filter((index) => !indices.has(index))
}

/** Null below the first entry in memory and above the last. */
export function termAt(log: Log, index: Index): number | null {
  if (index === log.offset.index) return log.offset.term
  return log.entries[index - log.offset.index - 1]?.term ?? null
}

export function entryAt(log: Log, index: Index): LogEntry {
  assert(!isHole(log, index), 'a hole has no content')
  return present(log.entries[index - log.offset.index - 1], `entry ${index}`)
}

/** Log Matching, one point of it (§5.3): do we have this very entry? */
export function hasEntry(log: Log, id: EntryId): boolean {
  return termAt(log, id.index) === id.term
}

/** Entries (from, through]. */
export function slice(log: Log, from: Index, through: Index): LogEntry[] {
  assert(!log.holes.some((hole) => hole > from && hole <= through), 'a hole has no content')
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
    assert(entry.index === lastIndex(log) + 1, 'entries follow one another')
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
  if (log.holes.length > 0) log.holes = log.holes.filter((hole) => hole <= index)
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
  if (log.holes.length > 0) log.holes = log.holes.filter((hole) => hole > index)
}

/** A snapshot replaces the whole log. */
export function resetTo(log: Log, snapshot: SnapshotMeta): void {
  log.entries = []
  log.batches = []
  log.offset = { index: snapshot.index, term: snapshot.term }
  log.snapshot = snapshot
  log.holes = []
  log.lostBase = null
  log.told = null
}

/**
 * A snapshot that agrees with the log takes the place of everything up to its index, holes and a lost base included.
 * What lies behind it stays: it has the entry that the snapshot ends with.
 */
export function rebase(log: Log, snapshot: SnapshotMeta): void {
  assert(hasEntry(log, snapshot), 'the log goes on from the snapshot')
  log.snapshot = snapshot
  log.lostBase = null
  compact(log, snapshot.index)
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
