/**
 * What clients ask, until it is executed. Every replica that hears of a request watches it; the primary gives it an
 * index. A request that waits is said again to everybody, so that all watch: one replica alone moves nobody.
 */
import type { Request } from '../contract.js'
import type { NodeId } from '../ids.js'
import { proposeQueued, sizeOf } from './ordering.js'
import { isPrimary, others, type PbftOut, primary, requestKey, type State } from './state.js'

/** Requests in one Forward, and told at once; what is more goes into the next. */
const FORWARD_REQUESTS_MAX = 256
/**
 * Likewise; a request that is larger travels alone. A message can be too large for its way, and who sends it again the same
 * is never heard: the requests in it would wait for ever, and their replica leave one view after the other.
 */
const FORWARD_BYTES_MAX = 1024 * 1024

/** Our own clients'. */
export function onPropose(s: State, requests: readonly Request[], out: PbftOut): void {
  if (s.replicas.length === 0) {
    for (const id of requests) out.answer(id, { type: 'NotLeader', leader: null })
    return
  }
  const taken: Request[] = []
  for (const request of requests) {
    if (take(s, request, true) !== 'full') taken.push(request)
    else {
      out.answer(request, { type: 'Overloaded', reason: 'too many requests wait' })
      out.note({ rule: 'PROTOCOL 2', event: 'proposal-refused' })
    }
  }
  handOn(s, taken, out)
}

/** Another's clients'; nobody can lie about what a client asks, for clients sign. */
export function onForward(s: State, requests: readonly Request[], out: PbftOut): void {
  const news: Request[] = []
  for (const request of requests.slice(0, FORWARD_REQUESTS_MAX)) {
    // A late copy of what was executed needs no index. Whoever insists gets one: it may have forgotten that it
    // executed it, and would suspect every primary; to the machine the second time is no time.
    if (s.justExecuted.delete(requestKey(request))) continue
    if (take(s, request, false) === 'new') news.push(request)
  }
  // Also a backup hands it on: who keeps it from the primary must not make us suspect the primary.
  handOn(s, news, out)
}

function take(s: State, request: Request, own: boolean): 'new' | 'known' | 'full' {
  const key = requestKey(request)
  const known = s.waiting.get(key)
  if (known !== undefined) {
    known.own ||= own
    return 'known'
  }
  if (s.waiting.size >= s.options.waitingRequestsMax) return 'full'
  s.waiting.set(key, { request, own, elapsed: 0, toldElapsed: 0 })
  return 'new'
}

function handOn(s: State, requests: readonly Request[], out: PbftOut): void {
  if (requests.length === 0 || !s.active) return
  if (isPrimary(s)) enqueue(s, requests, out)
  else forward([primary(s)], requests, out)
}

/** In as many messages as it takes. */
function forward(to: readonly NodeId[], requests: readonly Request[], out: PbftOut): void {
  let piece: Request[] = []
  let bytes = 0
  const send = (): void => {
    for (const id of to) out.send(id, { type: 'Forward', requests: piece })
    piece = []
    bytes = 0
  }
  for (const request of requests) {
    const size = sizeOf(request)
    const full = piece.length >= FORWARD_REQUESTS_MAX || bytes + size > FORWARD_BYTES_MAX
    if (full && piece.length > 0) send()
    piece.push(request)
    bytes += size
  }
  if (piece.length > 0) send()
}

export function enqueue(s: State, requests: readonly Request[], out: PbftOut): void {
  const p = s.primary
  if (p === null) return
  for (const request of requests) {
    const key = requestKey(request)
    if (p.proposed.has(key)) continue
    p.proposed.add(key)
    p.queue.push(request)
  }
  proposeQueued(s, out)
}

/** Half of the time that a primary has is over: tell everybody. Also where we have left the view, and they have not. */
export function tickForward(s: State, out: PbftOut): void {
  const due: Request[] = []
  let bytes = 0
  const { requestTicks } = s.options
  for (const waiting of s.waiting.values()) {
    // Whose client asked tells first; the others only if that was in vain.
    const every = waiting.own ? Math.ceil(requestTicks / 2) : 2 * requestTicks
    if (++waiting.toldElapsed < every) continue
    // The others in the next tick: all at once they would push votes out of the queues to our peers.
    if (due.length >= FORWARD_REQUESTS_MAX || bytes >= FORWARD_BYTES_MAX) break
    bytes += sizeOf(waiting.request)
    waiting.toldElapsed = 0
    due.push(waiting.request)
  }
  if (due.length === 0) return
  forward(others(s), due, out)
  if (s.active && isPrimary(s)) enqueue(s, due, out)
}

/** It needs nobody's watching any more. The last some are remembered, for copies of it that are on their way. */
export function executed(s: State, request: Request): void {
  const key = requestKey(request)
  s.waiting.delete(key)
  s.primary?.proposed.delete(key)
  s.justExecuted.add(key)
  if (s.justExecuted.size <= s.options.waitingRequestsMax) return
  for (const oldest of s.justExecuted) {
    s.justExecuted.delete(oldest)
    return
  }
}

/** What waits here, the primary of a new view may never have heard of. */
export function forwardWaiting(s: State, out: PbftOut): void {
  const requests = [...s.waiting.values()].slice(0, FORWARD_REQUESTS_MAX).map((one) => one.request)
  forward([primary(s)], requests, out)
}
