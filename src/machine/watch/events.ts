/** Changes of the store as watchers are told them. */
import { latin1Encode } from '../../base/utf8.js'
import type { Event, KeyValue } from '../../gen/etcd/api/mvccpb/kv.js'
import { liveAt, type Version } from '../kv/history.js'

/** What is watched; the machine, behind what of it is needed here. */
export interface WatchSource {
  readonly revision: number
  readonly compactRevision: number
  /** Changes at or after a revision, oldest first, at most so many; null when they are compacted away. */
  eventsSince(revision: number, eventsMax: number): Version[] | null
}

const PUT = 0
const DELETE = 1
const BATCH_EVENTS = 1_000

/** Whole revisions from this one on, some thousand events of them; empty: there are none. Null: compacted away. */
export function batchSince(source: WatchSource, revision: number): Version[] | null {
  for (let most = BATCH_EVENTS; ; most *= 4) {
    const events = source.eventsSince(revision, most)
    if (events === null || events.length < most) return events
    // The last revision may go on behind the cut.
    const last = events[events.length - 1]?.mod
    const whole = events.findLastIndex(({ mod }) => mod !== last) + 1
    if (whole > 0) return events.slice(0, whole)
  }
}

export function eventOf(version: Version, withPrevious: boolean, compactRevision: number): Event {
  const previous = withPrevious ? previousOf(version, compactRevision) : null
  return {
    type: version.deleted ? DELETE : PUT,
    kv: keyValueOf(version),
    prevKv: previous === null ? undefined : keyValueOf(previous),
  }
}

export function keyValueOf(version: Version): KeyValue {
  return {
    key: latin1Encode(version.history.key),
    createRevision: version.create,
    modRevision: version.mod,
    version: version.version,
    value: version.value,
    lease: version.lease,
  }
}

/**
 * As a reader at the revision before saw the key, so not what the same transaction put and then deleted; null: absent,
 * compacted away, or created anew, though the same transaction deleted it first.
 */
function previousOf(version: Version, compactRevision: number): Version | null {
  const { history, mod, create, deleted } = version
  if (mod - 1 < compactRevision || (!deleted && create === mod)) return null
  return liveAt(history, mod - 1)
}

/** Near enough for bounds. */
export function sizeOf(version: Version): number {
  return version.length + version.history.key.length + 40
}
