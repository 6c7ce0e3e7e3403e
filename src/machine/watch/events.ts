/** Changes of the store as watchers are told them. */
import { latin1Encode } from '../../base/latin1.js'
import type { Event, KeyValue } from '../../gen/etcd/api/mvccpb/kv.js'
import { liveAt, type Version } from '../kv/history.js'

/** What is watched; the machine, behind what of it is needed here. */
export interface WatchSource {
  readonly revision: number
  readonly compactRevision: number
  /**
   * Changes at or after a revision, oldest first, at most so many; null when they are compacted away. `pending`: they have
   * to be fetched, and the hub is told that something has changed once they are here.
   */
  eventsSince(revision: number, eventsMax: number): Version[] | Pending | null
}

export type Pending = 'pending'

const PUT = 0
const DELETE = 1
const BATCH_EVENTS = 1_000
/** A batch is one response to each watch: it must fit through the stream, and soon. */
const BATCH_BYTES = 1024 * 1024

/** Whole revisions from this one on, some thousand events or a MiB of them; empty: there are none. Null: compacted away. */
export function batchSince(source: WatchSource, revision: number): Version[] | Pending | null {
  for (let most = BATCH_EVENTS; ; most *= 4) {
    const events = source.eventsSince(revision, most)
    if (events === null || events === 'pending') return events
    if (events.length < most) return bounded(events, source.compactRevision)
    // The last revision may go on behind the cut.
    const last = events[events.length - 1]?.mod
    const whole = events.findLastIndex(({ mod }) => mod !== last) + 1
    if (whole > 0) return bounded(events.slice(0, whole), source.compactRevision)
  }
}

/** Its first revisions, at least one, up to so many bytes, as they are told with what was there before. */
function bounded(events: Version[], compactRevision: number): Version[] {
  let bytes = 0
  const first = events[0]?.mod
  for (const [i, version] of events.entries()) {
    bytes += eventSize(version, true, compactRevision)
    if (bytes <= BATCH_BYTES || version.mod === first) continue
    return events.slice(
      0,
      events.findIndex(({ mod }, at) => at <= i && mod === version.mod),
    )
  }
  return events
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

/** Near enough for bounds. What was there before may be far larger: a deletion has no value of its own. */
export function eventSize(
  version: Version,
  withPrevious: boolean,
  compactRevision: number,
): number {
  const previous = withPrevious ? previousOf(version, compactRevision) : null
  return sizeOf(version) + (previous === null ? 0 : sizeOf(previous))
}

function sizeOf(version: Version): number {
  return version.length + version.history.key.length + 40
}
