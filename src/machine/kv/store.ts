/**
 * The multi-version store: keys with their histories, under etcd's rules for revisions. A write happens
 * inside one change: `put` and `delete` number themselves revision+1 and count up `sub`; `commit` makes the
 * revision current if anything changed.
 *
 * Invariants:
 * 1. Every revision above the first has at least one event; (mod, sub) grows along the log.
 * 2. `#points` and `#tree` hold the same histories, none of them empty.
 * 3. A version is garbage at compact revision C if its successor's mod <= C, or if it is a deletion with
 *    mod <= C. Deletions at exactly C are kept nonetheless, for a watch that starts there, but not hashed.
 * 4. Garbage is in no hash, answer or snapshot, so nodes may collect it at different speeds.
 */
import { assert } from '../../base/assert.js'
import { Hasher } from '../hash.js'
import { Alarms } from './alarms.js'
import { Arena, SettledValues } from './arena.js'
import { Counts } from './counts.js'
import { EventLog } from './event-log.js'
import { GONE, type History, lastIndexAt, liveAt, type Span, Version } from './history.js'
import { Leases } from './leases.js'
import { OrderedMap } from './ordered.js'

const ITEM_SEED = 0x51
const STATE_SEED = 0x52
/** Versions of one key: what is freed together holds up all else. */
const TRIMMED_AT_ONCE = 256

/** Key and its end, both latin1. `end`: '' for the key alone, null for every key from `key` on. */
export interface KeyRange {
  readonly key: string
  readonly end: string | null
}

export class Store {
  /** Of the last committed change; an empty store has 1. */
  revision = 1
  /** Reads below it are refused; -1 before the first compaction, as in etcd. */
  compactRevision = -1
  readonly log = new EventLog()
  readonly leases = new Leases()
  readonly alarms = new Alarms()
  readonly counts: Counts
  readonly #points = new Map<string, History>()
  readonly #tree = new OrderedMap<History>()
  readonly #hasher = new Hasher()
  readonly #arena = new Arena()
  readonly #settled = new SettledValues()
  /** Sum of the hashes of all versions ever added, and of those that the last compaction gave up. */
  #addedA = 0
  #addedB = 0
  #givenUpA = 0
  #givenUpB = 0
  /** Events of the change that is open. */
  #changes = 0
  #bytesHeld = 0
  /** Where collection has come to in the log. */
  #collected = 0
  #pins = 0

  constructor(counts: Counts = new Counts()) {
    this.counts = counts
  }

  /** Revision that a read sees now: within a change, its own writes. */
  get visibleRevision(): number {
    return this.#changes === 0 ? this.revision : this.revision + 1
  }

  /** Bytes of the slabs of values that have outlived a compaction. */
  get settledBytes(): number {
    return this.#settled.bytesHeld
  }

  /** Bytes of all keys and values held, garbage included. */
  get bytesHeld(): number {
    return this.#bytesHeld
  }

  /** Keys held, deleted ones not yet collected included. */
  get size(): number {
    return this.#points.size
  }

  /** The key as it is now. */
  get(key: string): Version | null {
    const history = this.#points.get(key)
    const newest = history?.versions[history.versions.length - 1]
    return newest === undefined || newest.deleted ? null : newest
  }

  /** Visits what a reader at `revision` sees of the range, in order, until `visit` gives false. */
  scan(range: KeyRange, revision: number, visit: (version: Version) => boolean): void {
    if (range.end === '') {
      const history = this.#points.get(range.key)
      const version = history === undefined ? null : liveAt(history, revision)
      if (version !== null) visit(version)
      return
    }
    this.#tree.scan(range.key, range.end, (history) => {
      const version = liveAt(history, revision)
      return version === null || visit(version)
    })
  }

  /** Histories from this key on, in order, until `visit` gives false. */
  scanHistories(from: string, visit: (history: History) => boolean): void {
    this.#tree.scan(from, null, visit)
  }

  /** A copy, to be put. */
  copyValue(value: Span): Span {
    return this.#arena.copy(value)
  }

  /** Keeps `value`, which must not be changed any more. Gives the version it replaces, if live. */
  put(key: string, value: Span, lease: string): Version | null {
    const history = this.#points.get(key) ?? this.#newHistory(key)
    const versions = history.versions
    const newest = versions[versions.length - 1]
    const previous = newest === undefined || newest.deleted ? null : newest
    const mod = this.revision + 1
    const create = previous === null ? mod : previous.create
    const version = previous === null ? 1 : previous.version + 1
    const at = { mod, sub: this.#changes++ }
    this.counts.puts++
    this.counts.putBytes += key.length + value.to - value.from
    const held = previous === null ? '0' : previous.lease
    if (held !== lease) this.leases.move(key, held, lease)
    this.append(new Version(history, at, { create, version, lease }, value))
    return previous
  }

  /** Deletes a key that is there. */
  delete(version: Version): void {
    const history = version.history
    assert(this.get(history.key) === version, 'deletes what is not there')
    if (version.lease !== '0') this.leases.move(history.key, version.lease, '0')
    const mod = this.revision + 1
    this.append(new Version(history, { mod, sub: this.#changes++ }, GONE, null))
  }

  /** Ends the change; gives the revision that is current then. */
  commit(): number {
    if (this.#changes > 0) {
      this.#changes = 0
      this.revision++
    }
    return this.revision
  }

  /** From now on reads below `revision` are refused. What that frees is collected later, in slices. */
  compact(revision: number): void {
    assert(revision > this.compactRevision && revision <= this.revision, 'compacts out of range')
    this.compactRevision = revision
    // Deletions at the old compact revision were passed over then, and may go now.
    this.#collected = this.log.start
    this.rebaseHash()
  }

  /** Whether a call of `collect` would find work. */
  get collectable(): boolean {
    if (this.#pins > 0 || this.#collected >= this.log.end) return false
    return this.log.at(this.#collected).mod <= this.compactRevision
  }

  /** Frees the garbage of at most so many events, or some more versions; true while there is more to do. */
  collect(eventsMax: number): boolean {
    for (let left = eventsMax; left > 0 && this.collectable; ) {
      const { history } = this.log.at(this.#collected)
      const { freed, done } = this.#trim(history)
      left -= Math.max(1, freed)
      // A key with very many versions is come back to.
      if (!done) continue
      this.#collected++
      this.counts.collected++
    }
    const keep = Math.min(this.#collected, this.log.firstAt(this.compactRevision))
    if (this.#pins === 0) this.log.dropBefore(keep)
    return this.collectable
  }

  /** While pinned nothing is freed: what a reader at the revisions of now may see stays. */
  pin(): void {
    this.#pins++
  }

  unpin(): void {
    assert(this.#pins > 0, 'unpinned more often than pinned')
    this.#pins--
  }

  /** Hash of all that can be read at or above the compact revision, of both revisions, of leases and alarms. */
  hash(): string {
    const { leases, alarms } = this
    return this.#hasher
      .begin(STATE_SEED)
      .pair(this.#addedA - this.#givenUpA, this.#addedB - this.#givenUpB)
      .number(this.revision)
      .number(this.compactRevision)
      .pair(leases.sum.a, leases.sum.b)
      .number(leases.size)
      .pair(alarms.sum.a, alarms.sum.b)
      .number(alarms.size)
      .finish()
      .hex()
  }

  /**
   * Of what can be read at this revision and back to the compacted one, as 32 bits: the same on every member, whatever of
   * the garbage it has collected. Walks back over the events behind that revision, and nothing else.
   */
  hashAt(revision: number): number {
    let sum = this.#addedA - this.#givenUpA
    for (let ordinal = this.log.end; ordinal > this.log.start; ordinal--) {
      const event = this.log.at(ordinal - 1)
      if (event.mod <= revision) break
      sum = (sum - event.hashA) | 0
    }
    return sum >>> 0
  }

  /** For restoring: the history of a key, made if it is not there. */
  historyOf(key: string): History {
    return this.#points.get(key) ?? this.#newHistory(key)
  }

  /** For restoring: a version from below the compact revision, which is no event any more. */
  appendBase(version: Version): void {
    this.#hash(version)
    this.#bytesHeld += version.length
    this.#settled.settle(version)
    version.history.versions.push(version)
  }

  /** Adds an event at the end of the log. */
  append(version: Version): void {
    const versions = version.history.versions
    const previous = versions[versions.length - 1]
    const before = this.log.last()
    let garbageA = before === null ? this.#givenUpA : before.garbageA
    let garbageB = before === null ? this.#givenUpB : before.garbageB
    this.#hash(version)
    // A deletion was counted as garbage when it was made.
    if (previous !== undefined && !previous.deleted) {
      garbageA += previous.hashA
      garbageB += previous.hashB
    }
    if (version.deleted) {
      garbageA += version.hashA
      garbageB += version.hashB
    }
    version.garbageA = garbageA | 0
    version.garbageB = garbageB | 0
    this.#bytesHeld += version.length
    versions.push(version)
    this.log.push(version)
  }

  /** Gives up, in the hash, all that is garbage at the compact revision. */
  rebaseHash(): void {
    const ordinal = this.log.firstAt(this.compactRevision + 1) - 1
    if (ordinal < this.log.start) return
    const event = this.log.at(ordinal)
    this.#givenUpA = event.garbageA
    this.#givenUpB = event.garbageB
  }

  #hash(version: Version): void {
    const hasher = this.#hasher
      .begin(ITEM_SEED)
      .pair(version.history.keyHashA, version.history.keyHashB)
      .number(version.mod)
      .number(version.create)
      .pair(version.sub, version.version | 0)
    if (version.lease !== '0') hasher.latin1(version.lease)
    if (version.bytes !== null)
      hasher.bytes(version.bytes, version.from, version.from + version.length)
    hasher.finish()
    version.hashA = hasher.a
    version.hashB = hasher.b
    this.#addedA = (this.#addedA + hasher.a) | 0
    this.#addedB = (this.#addedB + hasher.b) | 0
  }

  #newHistory(key: string): History {
    const hash = this.#hasher.begin(ITEM_SEED).latin1(key).finish()
    this.#bytesHeld += key.length
    const history: History = { key, keyHashA: hash.a, keyHashB: hash.b, versions: [] }
    this.#points.set(key, history)
    this.#tree.set(key, history)
    return history
  }

  /** Frees versions of a key that are garbage; `done`: all that are. */
  #trim(history: History): { freed: number; done: boolean } {
    const versions = history.versions
    let keep = lastIndexAt(versions, this.compactRevision)
    if (keep < 0) return { freed: 0, done: true }
    const newest = versions[keep] as Version
    if (newest.deleted && newest.mod < this.compactRevision) keep++
    const freed = Math.min(keep, TRIMMED_AT_ONCE)
    if (freed > 0)
      for (const version of versions.splice(0, freed)) {
        this.#bytesHeld -= version.length
        this.#settled.free(version)
      }
    if (freed < keep) return { freed, done: false }
    const oldest = versions[0]
    if (oldest === undefined) {
      this.#bytesHeld -= history.key.length
      this.#points.delete(history.key)
      this.#tree.delete(history.key)
    } else if (oldest.mod <= this.compactRevision) this.#settled.settle(oldest)
    return { freed, done: true }
  }
}
