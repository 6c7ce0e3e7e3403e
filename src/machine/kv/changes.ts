/**
 * The history of changes as a query, so that who believes no single node can watch: asked at a place in the order, all
 * nodes answer with the same bytes, whatever of the garbage each has collected.
 */
import { type ChangesRequest, ChangesResponse } from '../../gen/quorate/kv/v1/kv.js'
import { eventOf, eventSize } from '../watch/events.js'
import type { Version } from './history.js'
import { encodeMessage } from './replies.js'
import type { Store } from './store.js'

/** Of one answer, but for a single change that is larger. */
export const CHANGES_BYTES_MAX = 1024 * 1024

interface Place {
  readonly revision: number
  readonly place: number
}

export function runChanges(store: Store, request: ChangesRequest): Uint8Array {
  const { compactRevision } = store
  const from: Place = { revision: request.fromRevision, place: request.fromPlace }
  const { told, next } =
    from.revision < compactRevision ? { told: [], next: from } : changesFrom(store, from)
  const revision = store.visibleRevision
  return encodeMessage(ChangesResponse, {
    header: { clusterId: '0', memberId: '0', revision, raftTerm: 0 },
    compactRevision,
    events: told.map((version) => eventOf(version, true, compactRevision)),
    nextRevision: next.revision,
    nextPlace: next.place,
  })
}

/** Whole revisions up to the bound; where the first alone is larger, a part of it. */
function changesFrom(
  { log, visibleRevision, compactRevision }: Store,
  from: Place,
): { told: Version[]; next: Place } {
  const told: Version[] = []
  let bytes = 0
  for (let at = log.firstAt(from.revision); at < log.end; at++) {
    const version = log.at(at)
    if (version.mod === from.revision && version.sub < from.place) continue
    bytes += eventSize(version, true, compactRevision)
    if (bytes > CHANGES_BYTES_MAX && told.length > 0) return cut(told, version)
    told.push(version)
  }
  return { told, next: { revision: Math.max(from.revision, visibleRevision + 1), place: 0 } }
}

/** `next` is one too many. */
function cut(told: Version[], next: Version): { told: Version[]; next: Place } {
  const isPart = told[0]?.mod === next.mod
  if (isPart) return { told, next: { revision: next.mod, place: next.sub } }
  return {
    told: told.filter(({ mod }) => mod !== next.mod),
    next: { revision: next.mod, place: 0 },
  }
}
