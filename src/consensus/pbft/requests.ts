/**
 * What clients ask, until it is executed. Every replica that hears of a request watches it; the primary gives it an
 * index. It is said to others in three steps, since it may be large and the network the reason that it waits:
 * 1. Whose client asks hands it to the primary, once a view.
 * 2. When half of the patience is over and the primary has not proposed it, everybody is told, so that all watch: one
 *    replica alone moves nobody. They hand it to the primary when a quarter of theirs is over, unless it is proposed by
 *    then: before who told them loses its patience.
 * 3. Again after twice the time, and twice that: who was told keeps it, so only lost messages and restarts need that.
 * What is proposed is not told: all are sent it by the primary, and each watches the slot. A primary that proposes it
 * to few is left by them, and who has left tells.
 */
import { keepNewest } from '../../base/oldest.js'
import type { Request } from '../contract.js'
import type { NodeId } from '../ids.js'
import { FORWARD_REQUESTS_MAX } from './codec.js'
import { proposeQueued, sizeOf } from './ordering.js'
import {
  isPrimary,
  others,
  type PbftOut,
  primary,
  requestKey,
  type State,
  type Waiting,
} from './state.js'

/**
 * Likewise; a request that is larger travels alone. A message can be too large for its way, and who sends it again the same
 * is never heard: the requests in it would wait for ever, and their replica leave one view after the other.
 */
const FORWARD_BYTES_MAX = 1024 * 1024

/** Told again after 1, 2, 4, 8 times the time, and then each time after 8. */
const TOLD_DOUBLINGS_MAX = 3

/** Our own clients'. */
export function onPropose(s: State, requests: readonly Request[], out: PbftOut): void {
  if (s.replicas.length === 0) {
    for (const id of requests) out.answer(id, { type: 'NotLeader', leader: null })
    return
  }
  const news: Request[] = []
  for (const request of requests) {
    const verdict = take(s, request, true)
    if (verdict === 'new') news.push(request)
    if (verdict !== 'full') continue
    out.answer(request, { type: 'Overloaded', reason: 'too many requests wait' })
    out.note({ rule: 'PROTOCOL 2', event: 'proposal-refused' })
  }
  if (!s.active || news.length === 0) return
  if (isPrimary(s)) return enqueue(s, news, out)
  for (const request of news) handed(s, request)
  forward([primary(s)], news, out)
}

/** Another's clients'; nobody can lie about what a client asks, for clients sign. */
export function onForward(s: State, requests: readonly Request[], out: PbftOut): void {
  const news: Request[] = []
  for (const request of requests) {
    // A late copy of what was executed needs no index. Whoever insists gets one: it may have forgotten that it
    // executed it, and would suspect every primary; to the machine the second time is no time.
    if (s.justExecuted.delete(requestKey(request))) continue
    if (take(s, request, false) === 'new') news.push(request)
  }
  // A backup hands it on in its time: who keeps it from the primary must not make us suspect the primary.
  if (s.active && isPrimary(s)) enqueue(s, news, out)
}

function take(s: State, request: Request, own: boolean): 'new' | 'known' | 'full' {
  const key = requestKey(request)
  const known = s.waiting.get(key)
  if (known !== undefined) {
    known.own ||= own
    return 'known'
  }
  if (s.waiting.size >= s.options.waitingRequestsMax) return 'full'
  s.waiting.set(key, {
    request,
    own,
    elapsed: 0,
    toldElapsed: 0,
    told: 0,
    handedIn: null,
    proposedIn: null,
  })
  return 'new'
}

function handed(s: State, request: Request): void {
  const waiting = s.waiting.get(requestKey(request))
  if (waiting !== undefined) waiting.handedIn = s.view
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

export function tickForward(s: State, out: PbftOut): void {
  handOver(s, out)
  const due = new Due()
  const { requestTicks } = s.options
  for (const waiting of s.waiting.values()) {
    // Whose client asked tells first; the others only if that was in vain.
    const first = waiting.own ? Math.ceil(requestTicks / 2) : 2 * requestTicks
    // Also where we have left the view, and the others have not.
    if (++waiting.toldElapsed < first * 2 ** waiting.told || isProposed(s, waiting)) continue
    // The others in the next tick: all at once they would push votes out of the queues to our peers.
    if (due.isFull) break
    due.add(waiting.request)
    waiting.toldElapsed = 0
    waiting.told = Math.min(waiting.told + 1, TOLD_DOUBLINGS_MAX)
    waiting.handedIn = s.view
  }
  forward(others(s), due.requests, out)
  if (s.active && isPrimary(s)) enqueue(s, due.requests, out)
}

/** What waits here, the primary of this view may never have heard of. Our own clients' at once, and so many a tick. */
export function handOver(s: State, out: PbftOut): void {
  if (!s.active || isPrimary(s)) return
  const due = new Due()
  for (const waiting of s.waiting.values()) {
    if (waiting.handedIn === s.view || isProposed(s, waiting)) continue
    if (!waiting.own && waiting.elapsed < Math.ceil(s.requestTicks / 4)) continue
    if (due.isFull) break
    due.add(waiting.request)
    waiting.handedIn = s.view
  }
  forward([primary(s)], due.requests, out)
}

/**
 * As if all that waits were asked only now, but for the patience that is used up: a network that gives in bursts must not renew it for ever.
 * Else whoever was cut off has told all of it to nobody, would tell again when its patience is over, and leave a primary that
 * never heard of it.
 */
export function tellAnew(s: State): void {
  for (const waiting of s.waiting.values()) {
    waiting.handedIn = null
    waiting.told = 0
    waiting.toldElapsed = 0
  }
}

function isProposed(s: State, waiting: Waiting): boolean {
  return s.active && waiting.proposedIn === s.view
}

/** What may be said in one tick. */
class Due {
  readonly requests: Request[] = []
  #bytes = 0

  get isFull(): boolean {
    return this.requests.length >= FORWARD_REQUESTS_MAX || this.#bytes >= FORWARD_BYTES_MAX
  }

  add(request: Request): void {
    this.requests.push(request)
    this.#bytes += sizeOf(request)
  }
}

/** It needs nobody's watching any more. The last some are remembered, for copies of it that are on their way. */
export function executed(s: State, request: Request): void {
  const key = requestKey(request)
  s.waiting.delete(key)
  s.primary?.proposed.delete(key)
  s.justExecuted.add(key)
  keepNewest(s.justExecuted, s.options.waitingRequestsMax)
}
