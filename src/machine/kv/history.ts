/**
 * A key's versions, oldest first. A version never changes; a history only grows at its end, except when
 * physical compaction takes from its front. So a reader that holds a revision needs no lock and no copy.
 */
export interface Version {
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
  /** Null: the key was deleted. */
  readonly value: Uint8Array | null
  /** This version's hash, two int32. */
  readonly hashA: number
  readonly hashB: number
  /**
   * Sum of the hashes of all that a compaction at `mod` makes unreadable, from the first event on: gives the
   * state's hash after any compaction in one subtraction, however many versions it drops.
   */
  readonly garbageA: number
  readonly garbageB: number
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
  return version === null || version.value === null ? null : version
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
