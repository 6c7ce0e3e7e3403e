/**
 * The requests whose end somebody here waits for, by session and seq.
 *
 * What each end may claim (PROTOCOL 2)
 * 1. NotLeader and Overloaded: never appended here. Hence not for a request that ever was, even if a later
 *    proposal of it is refused.
 * 2. Once appended it ends by its Apply, by a Restore, by its deadline, or one election timeout after we stopped
 *    to lead. A truncation ends nothing: the entry may live on elsewhere and commit.
 * 3. Waiters under one id share one end: the first one executed wins, whatever payload the others brought.
 * 4. What may be handed on to the leader waits while there is none, and is handed on again under a new one, or when
 *    nothing came of it for a while: only its answer, a Restore or its deadline ends it.
 */
import type { Request } from '../consensus/contract.js'
import type { RequestId } from '../consensus/ids.js'
import type { SubmitDone, SubmitOutcome } from './outcomes.js'

interface Waiter {
  readonly deadline: number
  readonly done: SubmitDone
}

interface Waiting {
  readonly request: Request
  /** The first waiter is kept inline: most requests have just one. */
  first: Waiter
  more: Waiter[] | null
  queued: boolean
  /** The term or view under which it was last appended here; ELSEWHERE: perhaps by another node. */
  appendedTerm: number
  ended: boolean
  /** Null: it is proposed here or not at all. */
  handOn: HandOn | null
}

interface HandOn {
  /** The term or view under which it was last handed on, and when (ms). */
  term: number
  at: number
  tries: number
}

interface PendingMax {
  readonly queuedRequests: number
  readonly queuedBytes: number
  readonly pendingRequests: number
}

const NEVER = -1
/** Nobody took it this time. */
const REFUSED = -2
const ELSEWHERE = Number.MAX_SAFE_INTEGER
/** What nothing comes of is handed on again after this times the election timeout at most. */
const PATIENCE_MAX = 8
/** Who asks the same again and again is answered so many times. */
const WAITERS_MAX = 256

export class Pending {
  readonly #max: PendingMax
  readonly #sessions = new Map<number, Map<number, Waiting>>()
  #size = 0
  /** Those that may be handed on. */
  readonly #handedOn = new Set<Waiting>()
  #queue: Waiting[] = []
  #queuedBytes = 0
  /** What the proposal under way holds. */
  #proposed: readonly Waiting[] = []
  /** No deadline is earlier than this one. */
  #earliest = Number.POSITIVE_INFINITY

  constructor(max: PendingMax) {
    this.#max = max
  }

  get size(): number {
    return this.#size
  }

  get queued(): number {
    return this.#queue.length
  }

  /** Those that nobody took yet, and that wait for a leader. */
  get parked(): number {
    let parked = 0
    for (const { queued, appendedTerm } of this.#handedOn)
      if (!queued && appendedTerm === NEVER) parked++
    return parked
  }

  /** `term`: under which we lead now, or null. `done` may run at once, when a bound is reached. */
  submit(request: Request, term: number | null, waiter: Waiter, handOn = false): void {
    const known = this.#sessions.get(request.session)?.get(request.seq)
    if (known !== undefined) {
      this.#earliest = Math.min(this.#earliest, waiter.deadline)
      if (known.more === null) known.more = [waiter]
      else known.more.push(waiter)
      if (known.more.length > WAITERS_MAX)
        known.more.shift()?.done({ type: 'Indeterminate', reason: 'asked again too often' })
      // What an earlier leadership of ours appended may be truncated by now: propose it again. The state machine
      // executes a seq once.
      if (!known.queued && known.appendedTerm !== term) this.#enqueue(known)
      return
    }
    const full = this.#fullness(request)
    if (full !== null) {
      waiter.done({ type: 'Overloaded', reason: full })
      return
    }
    this.#earliest = Math.min(this.#earliest, waiter.deadline)
    const waiting: Waiting = {
      request,
      first: waiter,
      more: null,
      queued: false,
      appendedTerm: NEVER,
      ended: false,
      handOn: handOn ? { term: NEVER, at: 0, tries: 0 } : null,
    }
    if (handOn) this.#handedOn.add(waiting)
    let session = this.#sessions.get(request.session)
    if (session === undefined) {
      session = new Map()
      this.#sessions.set(request.session, session)
    }
    session.set(request.seq, waiting)
    this.#size++
    this.#enqueue(waiting)
  }

  /** What waits to be proposed, oldest first, at most so many. `proposed` tells what became of it. */
  take(max: number): { readonly own: Request[]; readonly toHandOn: Request[] } {
    const taken = this.#queue.splice(0, max)
    const own: Request[] = []
    const toHandOn: Request[] = []
    const proposed: Waiting[] = []
    for (const waiting of taken) {
      this.#queuedBytes -= waiting.request.command.length
      waiting.queued = false
      if (waiting.ended) continue
      proposed.push(waiting)
      if (waiting.handOn === null) own.push(waiting.request)
      else toHandOn.push(waiting.request)
    }
    this.#proposed = proposed
    return { own, toHandOn }
  }

  /**
   * The core took the proposal: what it did not refuse is appended, here if `leading` is a term, or handed on. `term`: of
   * now, whoever leads.
   */
  proposed(leading: number | null, now: { readonly term: number; readonly ms: number }): void {
    for (const waiting of this.#proposed) {
      const { handOn } = waiting
      if (waiting.ended) continue
      if (handOn === null) waiting.appendedTerm = leading ?? ELSEWHERE
      else if (handOn.term !== REFUSED) {
        waiting.appendedTerm = ELSEWHERE
        handOn.tries = handOn.term === now.term ? handOn.tries + 1 : 1
        handOn.term = now.term
        handOn.at = now.ms
      } else handOn.term = NEVER
    }
    this.#proposed = []
  }

  /** Queues again what was handed on under another term, or so long ago that it must be lost. */
  handOnAgain(now: { readonly term: number; readonly ms: number }, patienceMs: number): void {
    for (const waiting of this.#handedOn) {
      const { handOn, queued, request } = waiting
      if (handOn === null || queued) continue
      const patience = Math.min(handOn.tries, PATIENCE_MAX) * patienceMs
      if (handOn.term === now.term && now.ms - handOn.at < patience) continue
      if (this.#fullness(request, this.#size - 1) === null) this.#enqueue(waiting)
    }
  }

  /** The core refused to append it. */
  refuse(id: RequestId, outcome: SubmitOutcome): void {
    const waiting = this.#sessions.get(id.session)?.get(id.seq)
    if (waiting === undefined) return
    if (waiting.handOn !== null && (outcome.type === 'NotLeader' || waiting.appendedTerm !== NEVER))
      waiting.handOn.term = REFUSED
    else if (waiting.appendedTerm === NEVER) this.#end(waiting, outcome)
    else this.#end(waiting, indeterminate('appended here earlier, and refused now'))
  }

  answer(id: RequestId, bytes: Uint8Array): void {
    const waiting = this.#sessions.get(id.session)?.get(id.seq)
    if (waiting !== undefined) this.#end(waiting, { type: 'Answer', bytes })
  }

  /** A snapshot replaced the state: what it executed has its answer there, the rest nobody knows. */
  restored(storedAnswer: (session: number, seq: number) => Uint8Array | null): void {
    for (const waiting of this.#all()) {
      if (waiting.appendedTerm === NEVER || waiting.ended) continue
      const bytes = storedAnswer(waiting.request.session, waiting.request.seq)
      this.#end(
        waiting,
        bytes === null
          ? indeterminate('a snapshot replaced the log that held it')
          : { type: 'Answer', bytes },
      )
    }
  }

  /** One election timeout after we stopped to lead in `term`. */
  leadershipEnded(term: number): void {
    for (const waiting of this.#all()) {
      const { appendedTerm, ended } = waiting
      if (!ended && appendedTerm !== NEVER && appendedTerm <= term)
        this.#end(waiting, indeterminate('its leader stepped down'))
    }
  }

  expire(now: number): void {
    if (now < this.#earliest) return
    this.#earliest = Number.POSITIVE_INFINITY
    for (const waiting of this.#all()) {
      if (waiting.ended) continue
      const waiters = waitersOf(waiting)
      const late = waiters.filter((waiter) => waiter.deadline <= now)
      const left = waiters.filter((waiter) => waiter.deadline > now)
      for (const waiter of left) this.#earliest = Math.min(this.#earliest, waiter.deadline)
      if (late.length === 0) continue
      const outcome: SubmitOutcome =
        waiting.appendedTerm === NEVER
          ? { type: 'Overloaded', reason: 'the deadline passed before it was proposed' }
          : indeterminate('the deadline passed')
      const [first, ...more] = left
      if (first === undefined) {
        this.#end(waiting, outcome)
        continue
      }
      waiting.first = first
      waiting.more = more.length > 0 ? more : null
      for (const waiter of late) waiter.done(outcome)
    }
  }

  /** The host stops: what was appended may still be executed by others. */
  endAll(): void {
    for (const waiting of this.#all()) {
      if (waiting.ended) continue
      this.#end(
        waiting,
        waiting.appendedTerm === NEVER
          ? { type: 'Overloaded', reason: 'the node stops' }
          : indeterminate('the node stops'),
      )
    }
  }

  #fullness(request: Request, size = this.#size): string | null {
    if (size >= this.#max.pendingRequests) return 'too many requests wait'
    if (this.#queue.length >= this.#max.queuedRequests) return 'too many proposals wait'
    const bytes = this.#queuedBytes + request.command.length
    if (this.#queue.length > 0 && bytes > this.#max.queuedBytes)
      return 'too many bytes of proposals wait'
    return null
  }

  #enqueue(waiting: Waiting): void {
    waiting.queued = true
    this.#queue.push(waiting)
    this.#queuedBytes += waiting.request.command.length
  }

  /** A list of its own: an end may call back into `submit`. */
  #all(): Waiting[] {
    const all: Waiting[] = []
    for (const session of this.#sessions.values())
      for (const waiting of session.values()) all.push(waiting)
    return all
  }

  #end(waiting: Waiting, outcome: SubmitOutcome): void {
    waiting.ended = true
    this.#handedOn.delete(waiting)
    const { session, seq } = waiting.request
    const ofSession = this.#sessions.get(session)
    ofSession?.delete(seq)
    if (ofSession?.size === 0) this.#sessions.delete(session)
    this.#size--
    waiting.first.done(outcome)
    if (waiting.more !== null) for (const waiter of waiting.more) waiter.done(outcome)
  }
}

function waitersOf(waiting: Waiting): Waiter[] {
  return waiting.more === null ? [waiting.first] : [waiting.first, ...waiting.more]
}

function indeterminate(reason: string): SubmitOutcome {
  return { type: 'Indeterminate', reason }
}
