/**
 * Who has been answered what. A session keeps every answer that its client has not acknowledged, so that a
 * retry is answered and not executed again, in whatever order retries and new requests arrive: were only the
 * last answer kept, 1..5 could die with a leader, 6..10 execute, and the retries of 1..5 look like duplicates.
 *
 * Deterministic: sessions come and go only while entries are applied, by agreed time and order.
 */
import { assert } from '../base/assert.js'
import { Hasher } from './hash.js'
import { Owners } from './owners.js'

/** Answers that a session may hold unacknowledged; beyond it requests are answered Overloaded. */
export const SESSION_ANSWERS_MAX = 1024
/** The same in bytes; the request that crosses it is still executed. */
export const SESSION_ANSWER_BYTES_MAX = 16 * 1024 * 1024
/** A session that sends nothing for so long, in agreed time, expires. */
export const SESSION_IDLE_MS_MAX = 10 * 60_000
/** One session more, and the one that has been silent longest expires. */
export const SESSIONS_MAX = 10_000
/** Of one client's key: one more, and its own silent one expires, not somebody else's. */
export const OWNER_SESSIONS_MAX = 256
/** Bytes of answers in all sessions; beyond it the sessions that have been silent longest expire. */
export const ALL_ANSWER_BYTES_MAX = 512 * 1024 * 1024

export interface Session {
  /** Ordinal of the request that opened it: never used again. */
  readonly id: number
  /** Agreed time (ms) and ordinal of its last request. */
  lastTime: number
  lastOrdinal: number
  ackedThrough: number
  answers: Map<number, Uint8Array>
  answerBytes: number
  /** Where clients sign: whose it is, and the seq under which it was opened. */
  readonly owner?: Owner
}

export interface Owner {
  /** The client's public key. */
  readonly principal: Uint8Array
  readonly nonce: number
}

/** In the list by last activity. */
interface Linked extends Session {
  newer: Linked | null
  older: Linked | null
  /** Number of the capture before which it was last made or kept. */
  keptAt: number
  /** What it adds to the sum of hashes, while `hashed`. */
  hashA: number
  hashB: number
  hashed: boolean
}

/** The sessions as of a capture; they are read one by one, while the table goes on. */
export class SessionsView {
  readonly number: number
  readonly #sessions: readonly Session[]
  readonly #kept = new Map<number, Session>()

  constructor(number: number, sessions: readonly Session[]) {
    this.number = number
    this.#sessions = sessions
  }

  get size(): number {
    return this.#sessions.length
  }

  /** By position, the one that has been silent longest first. */
  at(position: number): Session {
    const session = this.#sessions[position]
    assert(session !== undefined, 'session out of range')
    return this.#kept.get(session.id) ?? session
  }

  /** Called before a session changes for the first time after the capture. */
  keep(session: Session): void {
    this.#kept.set(session.id, { ...session, answers: new Map(session.answers) })
  }
}

export class Sessions {
  readonly #byId = new Map<number, Linked>()
  readonly #owners = new Owners()
  #oldest: Linked | null = null
  #newest: Linked | null = null
  #answerBytes = 0
  #captures = 0
  readonly #views = new Set<SessionsView>()
  readonly #hasher = new Hasher()
  readonly #unhashed = new Set<Linked>()
  readonly #idleMsMax: number
  #sumA = 0
  #sumB = 0

  /** `idleMsMax`: one that is silent for so long, in agreed time, expires. */
  constructor(idleMsMax: number) {
    this.#idleMsMax = idleMsMax
  }

  get size(): number {
    return this.#byId.size
  }

  get(id: number): Session | null {
    return this.#byId.get(id) ?? null
  }

  /** The session that this client opened under this nonce, if it lives. */
  openedBy(owner: Owner): Session | null {
    const id = this.#owners.find(owner)
    return id === null ? null : this.get(id)
  }

  /** Opens one; if there are too many then, the one that has been silent longest expires: first of its owner's. */
  open(id: number, time: number, owner?: Owner): void {
    const own = owner === undefined ? [] : this.#owners.sessionsOf(owner.principal)
    if (own.length >= OWNER_SESSIONS_MAX) this.#expireOldestOf(own)
    this.add({
      id,
      lastTime: time,
      lastOrdinal: id,
      ackedThrough: 0,
      answers: new Map(),
      answerBytes: 0,
      ...(owner === undefined ? {} : { owner }),
    })
    if (this.#byId.size > SESSIONS_MAX) this.#expireOldest()
  }

  /** Puts a session behind all others; its last activity must be the newest. */
  add(session: Session): void {
    assert(!this.#byId.has(session.id), 'a session id is used again')
    const before = this.#newest
    assert(before === null || before.lastOrdinal < session.lastOrdinal, 'sessions out of order')
    const linked: Linked = {
      ...session,
      newer: null,
      older: before,
      keptAt: this.#captures,
      hashA: 0,
      hashB: 0,
      hashed: false,
    }
    if (before === null) this.#oldest = linked
    else before.newer = linked
    this.#newest = linked
    this.#byId.set(linked.id, linked)
    if (session.owner !== undefined) this.#owners.add(session.owner, session.id)
    this.#unhashed.add(linked)
    this.#answerBytes += linked.answerBytes
  }

  /**
   * A request of the session arrives: it is active, and what it acknowledges is forgotten. Null when the
   * session is unknown.
   */
  touch(id: number, now: Activity): Session | null {
    const session = this.#byId.get(id)
    if (session === undefined) return null
    this.#willChange(session)
    session.lastTime = now.time
    session.lastOrdinal = now.ordinal
    this.#moveToEnd(session)
    if (now.ackedThrough > session.ackedThrough) this.#acknowledge(session, now.ackedThrough)
    return session
  }

  /** Keeps the answer to a request of a session that was just touched. */
  store(id: number, seq: number, answer: Uint8Array): void {
    const session = this.#byId.get(id)
    assert(session !== undefined && session === this.#newest, 'stores for a session not touched')
    session.answers.set(seq, answer)
    session.answerBytes += answer.length
    this.#answerBytes += answer.length
    while (this.#answerBytes > ALL_ANSWER_BYTES_MAX && this.#oldest !== session)
      this.#expireOldest()
  }

  /** Expires the sessions that have been silent too long. */
  expire(time: number): void {
    while (this.#oldest !== null && time - this.#oldest.lastTime >= this.#idleMsMax)
      this.#expireOldest()
  }

  /** The sessions as they are now. Costs one reference a session; close it when done. */
  capture(): SessionsView {
    const sessions: Session[] = []
    for (let next = this.#oldest; next !== null; next = next.newer) sessions.push(next)
    const view = new SessionsView(++this.#captures, sessions)
    this.#views.add(view)
    return view
  }

  close(view: SessionsView): void {
    this.#views.delete(view)
  }

  /** Sum of the sessions' hashes; only those that changed since the last call are hashed again. */
  hash(): { readonly a: number; readonly b: number } {
    for (const session of this.#unhashed) {
      const { a, b } = hashSession(this.#hasher, session)
      session.hashA = a
      session.hashB = b
      session.hashed = true
      this.#sumA = (this.#sumA + a) | 0
      this.#sumB = (this.#sumB + b) | 0
    }
    this.#unhashed.clear()
    return { a: this.#sumA, b: this.#sumB }
  }

  #acknowledge(session: Linked, through: number): void {
    const answers = session.answers
    // A client may skip far ahead; then walking the answers is shorter than walking the numbers.
    if (through - session.ackedThrough <= answers.size) {
      for (let seq = session.ackedThrough + 1; seq <= through; seq++) this.#forget(session, seq)
    } else {
      for (const seq of answers.keys()) if (seq <= through) this.#forget(session, seq)
    }
    session.ackedThrough = through
  }

  #forget(session: Linked, seq: number): void {
    const answer = session.answers.get(seq)
    if (answer === undefined) return
    session.answers.delete(seq)
    session.answerBytes -= answer.length
    this.#answerBytes -= answer.length
  }

  #expireOldest(): void {
    const session = this.#oldest
    assert(session !== null, 'no session to expire')
    this.#remove(session)
  }

  #expireOldestOf(ids: readonly number[]): void {
    let oldest: Linked | null = null
    for (const id of ids) {
      const session = this.#byId.get(id)
      if (session === undefined) continue
      if (oldest === null || session.lastOrdinal < oldest.lastOrdinal) oldest = session
    }
    if (oldest !== null) this.#remove(oldest)
  }

  #remove(session: Linked): void {
    this.#unhash(session)
    this.#unhashed.delete(session)
    if (session.older === null) this.#oldest = session.newer
    else session.older.newer = session.newer
    if (session.newer === null) this.#newest = session.older
    else session.newer.older = session.older
    this.#byId.delete(session.id)
    if (session.owner !== undefined) this.#owners.remove(session.owner, session.id)
    this.#answerBytes -= session.answerBytes
  }

  /** Captured views keep the session as it was; its hash is out of date. */
  #willChange(session: Linked): void {
    if (session.keptAt < this.#captures) {
      for (const view of this.#views) if (view.number > session.keptAt) view.keep(session)
      session.keptAt = this.#captures
    }
    if (session.hashed) {
      this.#unhash(session)
      this.#unhashed.add(session)
    }
  }

  #unhash(session: Linked): void {
    if (!session.hashed) return
    session.hashed = false
    this.#sumA = (this.#sumA - session.hashA) | 0
    this.#sumB = (this.#sumB - session.hashB) | 0
  }

  #moveToEnd(session: Linked): void {
    const { newer, older } = session
    if (newer === null) return
    newer.older = older
    if (older === null) this.#oldest = newer
    else older.newer = newer
    session.older = this.#newest
    session.newer = null
    if (this.#newest !== null) this.#newest.newer = session
    this.#newest = session
  }
}

/** Of a request that arrives. */
export interface Activity {
  readonly time: number
  readonly ordinal: number
  readonly ackedThrough: number
}

const SESSION_SEED = 0x61
const ANSWER_SEED = 0x62
const OWNED_SEED = 0x63

/** All that a session is; the answers as a sum, for their order is of no account. */
function hashSession(hasher: Hasher, session: Session): Hasher {
  let a = 0
  let b = 0
  for (const [seq, answer] of session.answers) {
    hasher.begin(ANSWER_SEED).number(seq).bytes(answer).finish()
    a = (a + hasher.a) | 0
    b = (b + hasher.b) | 0
  }
  const { owner } = session
  hasher.begin(owner === undefined ? SESSION_SEED : OWNED_SEED)
  if (owner !== undefined) hasher.bytes(owner.principal).number(owner.nonce)
  return hasher
    .number(session.id)
    .number(session.lastTime)
    .number(session.lastOrdinal)
    .number(session.ackedThrough)
    .number(session.answers.size)
    .pair(a, b)
    .finish()
}
