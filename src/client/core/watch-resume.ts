/**
 * Where a watch stands, so that it goes on behind what was told when its stream breaks: no gap, no repeat. Pure; who
 * holds the stream tells it each response, and asks from which revision to go on.
 */
import type { WatchResponse } from '../../gen/etcd/api/etcdserverpb/rpc.js'
import type { Event } from '../../gen/etcd/api/mvccpb/kv.js'

/**
 * 1. Every change below `next` was told, once.
 * 2. `next` only grows.
 */
export interface WatchPlace {
  /** The revision to go on from; 0 until the server has said where "now" is. */
  readonly next: number
  /** Of a revision whose last part has not come yet. */
  readonly parts: readonly Event[]
}

export type Heard =
  | { readonly type: 'Created'; readonly revision: number }
  /** Whole revisions, the last of which is `revision`. */
  | { readonly type: 'Events'; readonly events: readonly Event[]; readonly revision: number }
  /** All up to there was told. */
  | { readonly type: 'Progress'; readonly revision: number }
  /** What comes next is compacted away: the history from `compactRevision` on is what is left. */
  | { readonly type: 'Compacted'; readonly compactRevision: number }
  /** The server will not have it; another would not either. */
  | { readonly type: 'Refused'; readonly reason: string }
  /** The server ended it for reasons of its own: go on elsewhere. */
  | { readonly type: 'Ended' }
  | { readonly type: 'Nothing' }

/** Stands for no watch of the stream. */
const NO_WATCH = -1

export function watchFrom(startRevision: number): WatchPlace {
  return { next: startRevision, parts: [] }
}

/** The stream is new: what it had begun to tell is told from the start. */
export function reopened(place: WatchPlace): WatchPlace {
  return { ...place, parts: [] }
}

export function hear(
  place: WatchPlace,
  response: WatchResponse,
): { readonly place: WatchPlace; readonly heard: Heard } {
  const revision = response.header?.revision ?? 0
  if (response.canceled) return { place, heard: ending(response) }
  if (response.created) {
    // "From now on" is settled by the first server that took it, not by each that goes on.
    const next = place.next === 0 ? revision + 1 : place.next
    return { place: { ...place, next }, heard: { type: 'Created', revision } }
  }
  if (response.events.length === 0 && place.parts.length === 0) {
    // A sign of life that was asked for concerns all watches of a stream, and says less than one of our own.
    if (response.watchId === NO_WATCH || revision + 1 < place.next)
      return { place, heard: { type: 'Nothing' } }
    return { place: { ...place, next: revision + 1 }, heard: { type: 'Progress', revision } }
  }
  const all = [...place.parts, ...response.events]
  if (response.fragment) return { place: { ...place, parts: all }, heard: { type: 'Nothing' } }
  const events = all.filter((event) => (event.kv?.modRevision ?? 0) >= place.next)
  const last = events.at(-1)?.kv?.modRevision
  if (last === undefined) return { place: reopened(place), heard: { type: 'Nothing' } }
  return { place: watchFrom(last + 1), heard: { type: 'Events', events, revision: last } }
}

function ending({ compactRevision, cancelReason }: WatchResponse): Heard {
  if (compactRevision > 0) return { type: 'Compacted', compactRevision }
  return cancelReason === '' ? { type: 'Ended' } : { type: 'Refused', reason: cancelReason }
}
