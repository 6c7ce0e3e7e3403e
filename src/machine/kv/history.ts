import { EMPTY } from '../../base/bytes.js'

/**
 * A key's versions, oldest first. What a version says never changes; a history only grows at its end, except
 * when physical compaction takes from its front. So a reader that holds a revision needs no lock and no copy.
 */
export class Version {
  readonly history: History
  /** Revision of this change, and its place within the revision. */
  readonly mod: number
  readonly sub: number
  /** Revision that created the key; 0 for a deletion. */
  readonly create: number
  /** Changes since creation, 1 at creation; 0 for a deletion. */
  readonly version: number
  /** Lease id in decimal; '0' for none. */
  readonly lease: string
  /**
   * Where the value lies; null: the key was deleted. Not a view: a million views are what the garbage
   * collector would spend its time on. Collection may move the value.
   */
  bytes: Uint8Array | null
  from: number
  readonly length: number
  /** This version's hash, two int32; set by the store. */
  hashA = 0
  hashB = 0
  /**
   * Sum of the hashes of all that a compaction at `mod` makes unreadable, from the first event on: gives the
   * state's hash after any compaction in one subtraction, however many versions it drops.
   */
  garbageA = 0
  garbageB = 0

  constructor(history: History, at: Position, of: Generation, value: Span | null) {
    this.history = history
    this.mod = at.mod
    this.sub = at.sub
    this.create = of.create
    this.version = of.version
    this.lease = of.lease
    this.bytes = value === null ? null : value.bytes
    this.from = value === null ? 0 : value.from
    this.length = value === null ? 0 : value.to - value.from
  }

  get deleted(): boolean {
    return this.bytes === null
  }

  /** A view, empty for a deletion. Nobody writes to it. */
  get value(): Uint8Array {
    return this.bytes === null ? EMPTY : this.bytes.subarray(this.from, this.from + this.length)
  }
}

/** Of a change: its revision, and its place within the revision. */
export interface Position {
  readonly mod: number
  readonly sub: number
}

/** What a version says beside its value; of a deletion GONE. */
export interface Generation {
  readonly create: number
  readonly version: number
  readonly lease: string
}

export const GONE: Generation = { create: 0, version: 0, lease: '0' }

/** Bytes within bytes. */
export interface Span {
  readonly bytes: Uint8Array
  readonly from: number
  readonly to: number
}

export function spanOf(bytes: Uint8Array): Span {
  return { bytes, from: 0, to: bytes.length }
}

export interface History {
  /** Latin1: one code unit a byte. */
  readonly key: string
  readonly keyHashA: number
  readonly keyHashB: number
  readonly versions: Version[]
}

/** The newest version at or before the revision, deletions included. */
export function versionAt(history: History, revision: number): Version | null {
  const versions = history.versions
  const at = lastIndexAt(versions, revision)
  return at < 0 ? null : (versions[at] ?? null)
}

/** The key as a reader at this revision sees it: null when it is absent. */
export function liveAt(history: History, revision: number): Version | null {
  const version = versionAt(history, revision)
  return version === null || version.deleted ? null : version
}

/** Of the last version with mod <= revision; -1 when there is none. */
export function lastIndexAt(versions: readonly Version[], revision: number): number {
  let high = versions.length - 1
  const newest = versions[high]
  if (newest === undefined || newest.mod <= revision) return high
  let low = -1
  // Invariant: versions[low].mod <= revision < versions[high].mod
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if ((versions[middle] as Version).mod <= revision) low = middle
    else high = middle
  }
  return low
}
