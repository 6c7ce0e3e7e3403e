/**
 * The replicated machine: a state machine behind sessions, so that every request is executed once, however
 * often it is ordered. Takes entries in the order of the log; what it keeps is the same on every node.
 */
import { assert } from '../base/assert.js'
import { EMPTY, equalBytes } from '../base/bytes.js'
import { principalOf } from '../consensus/auth.js'
import type { Entry, Request } from '../consensus/contract.js'
import type { Index } from '../consensus/ids.js'
import { encodeAnswer, encodeOk } from './answers.js'
import { Hasher } from './hash.js'
import {
  SESSION_ANSWER_BYTES_MAX,
  SESSION_ANSWERS_MAX,
  SESSION_IDLE_MS_MAX,
  Sessions,
} from './sessions.js'
import { type Place, readSnapshot, writeSnapshot } from './snapshot.js'
import type { StateMachine } from './state-machine.js'

/** Answers without a body are the same bytes every time; nobody writes to them. */
const EXPIRED = encodeAnswer({ type: 'SessionExpired' })
const OVERLOADED = encodeAnswer({ type: 'Overloaded' })
const FULL_SEED = 0x71

export class SessionMachine {
  readonly #inner: StateMachine
  readonly #hasher = new Hasher()
  readonly #sessionIdleMs: number
  #sessions: Sessions
  #appliedIndex: Index = 0
  #time = 0
  #ordinal = 0

  /** `sessionIdleMs`: of agreed time; the same on every node. */
  constructor(inner: StateMachine, sessionIdleMs = SESSION_IDLE_MS_MAX) {
    this.#inner = inner
    this.#sessionIdleMs = sessionIdleMs
    this.#sessions = new Sessions(sessionIdleMs)
  }

  /** Index of the last entry applied. */
  get appliedIndex(): Index {
    return this.#appliedIndex
  }

  /** Agreed time (ms): that of the newest entry, and never less than before. */
  get time(): number {
    return this.#time
  }

  /** Requests applied so far. */
  get ordinal(): number {
    return this.#ordinal
  }

  get sessionCount(): number {
    return this.#sessions.size
  }

  /**
   * Applies the next entry and gives one encoded answer a request. An entry at or below the applied index
   * is not applied again: its answers are those still stored, and empty where none is.
   */
  applyEntry(entry: Entry): Uint8Array[] {
    if (entry.index <= this.#appliedIndex)
      return entry.requests.map(
        (request) => this.storedAnswer(request.session, request.seq) ?? EMPTY,
      )
    assert(entry.index === this.#appliedIndex + 1, 'entries applied out of order')
    this.#time = Math.max(this.#time, entry.time)
    this.#sessions.expire(this.#time)
    const context = { index: entry.index, time: this.#time }
    this.#inner.advance?.(context)
    const answers: Uint8Array[] = []
    for (const request of entry.requests) answers.push(this.#applyRequest(request, context))
    this.#appliedIndex = entry.index
    return answers
  }

  query(query: Uint8Array): Uint8Array {
    return this.#inner.query(query)
  }

  /** The encoded answer of a request that was executed and is not acknowledged; null when there is none. */
  storedAnswer(session: number, seq: number): Uint8Array | null {
    return this.#sessions.get(session)?.answers.get(seq) ?? null
  }

  /** Whether the session is its sender's: of the key that opened it, or opened without a key. */
  mayUse(request: Pick<Request, 'session' | 'auth'>): boolean {
    const session = this.#sessions.get(request.session)
    const owner = session?.owner?.principal ?? EMPTY
    return session !== null && equalBytes(owner, principalOf(request.auth))
  }

  /** Agreed time (ms) at which something in the inner machine expires. Idle sessions wait for an entry. */
  nextDeadline(): number | null {
    return this.#inner.nextDeadline?.() ?? null
  }

  /** Of the inner machine's data alone: a read at its place in the order does not change it. */
  hash(): string {
    return this.#inner.hash()
  }

  /** Of all that decides what the machine does next: data, sessions with answers, time and ordinal. */
  fullHash(): string {
    const { a, b } = this.#sessions.hash()
    const outer = this.#hasher.begin(FULL_SEED).pair(a, b).number(this.#sessions.size)
    return `${this.#inner.hash()}:${outer.number(this.#time).number(this.#ordinal).finish().hex()}`
  }

  /** The whole as of this call, in pieces of at most 256 KiB. Iterate to the end, or call `return`. */
  snapshot(): IterableIterator<Uint8Array> {
    const view = this.#sessions.capture()
    const sessions = this.#sessions
    const place: Place = {
      appliedIndex: this.#appliedIndex,
      time: this.#time,
      ordinal: this.#ordinal,
    }
    return writeSnapshot(place, view, this.#inner.snapshot(), () => sessions.close(view))
  }

  /**
   * Becomes what a snapshot holds; the bytes may come in chunks of any size. Throws SnapshotError, and stays
   * as it was, when they are no snapshot or no whole one.
   */
  restore(chunks: Iterable<Uint8Array>): void {
    const { place, sessions } = readSnapshot(chunks, this.#inner, this.#sessionIdleMs)
    this.#sessions = sessions
    this.#appliedIndex = place.appliedIndex
    this.#time = place.time
    this.#ordinal = place.ordinal
  }

  #applyRequest(request: Request, context: { index: Index; time: number }): Uint8Array {
    // At its place in the order, and without a trace in the state: asked twice, it is answered twice.
    if (request.readOnly === true) return encodeOk(this.#inner.query(request.command))
    const ordinal = ++this.#ordinal
    const time = this.#time
    const { seq, ackedThrough } = request
    if (request.session === 0) return this.#openSession(request, ordinal)
    // Or anybody who guesses a number could use up another's seqs, and hear another's answers.
    if (!this.mayUse(request)) return EXPIRED
    const session = this.#sessions.touch(request.session, { time, ordinal, ackedThrough })
    if (session === null || seq <= session.ackedThrough) return EXPIRED
    const stored = session.answers.get(seq)
    if (stored !== undefined) return stored
    if (session.answers.size >= SESSION_ANSWERS_MAX) return OVERLOADED
    if (session.answerBytes >= SESSION_ANSWER_BYTES_MAX) return OVERLOADED
    const answer = encodeOk(this.#inner.apply(request.command, context))
    this.#sessions.store(session.id, seq, answer)
    return answer
  }

  /**
   * A client that signs gets one session for one nonce, however often it is ordered: a replica that says an old
   * opening again pushes none of the client's sessions out.
   */
  #openSession(request: Request, ordinal: number): Uint8Array {
    const principal = principalOf(request.auth)
    if (principal.length === 0) {
      this.#sessions.open(ordinal, this.#time)
      return encodeAnswer({ type: 'SessionOpened', session: ordinal })
    }
    const owner = { principal: new Uint8Array(principal), nonce: request.seq }
    const known = this.#sessions.openedBy(owner)
    if (known === null) this.#sessions.open(ordinal, this.#time, owner)
    return encodeAnswer({ type: 'SessionOpened', session: known?.id ?? ordinal })
  }
}
