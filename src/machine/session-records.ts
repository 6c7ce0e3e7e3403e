/** Sessions inside a snapshot: items of a session followed by items of its answers, batched into frames. */
import { Reader, Writer } from '../base/varint.js'
import type { Owner, Session, Sessions, SessionsView } from './sessions.js'
import { demand } from './state-machine.js'

/** A batch is closed once it has so many bytes; the last answer may exceed it. */
const BATCH_BYTES = 64 * 1024

const SESSION = 1
const ANSWER = 2
/** Before the session that it speaks of. */
const OWNER = 3

/** The sessions of a view, the one that has been silent longest first. */
export function* writeSessions(view: SessionsView): Iterable<Uint8Array> {
  let out = new Writer(BATCH_BYTES + 1024)
  for (let i = 0; i < view.size; i++) {
    const { id, lastTime, lastOrdinal, ackedThrough, answers, owner } = view.at(i)
    if (owner !== undefined) out.byte(OWNER).chunk(owner.principal).varint(owner.nonce)
    out.byte(SESSION).varint(id).varint(lastTime).varint(lastOrdinal).varint(ackedThrough)
    out.varint(answers.size)
    // Read at once: between two pulls the session may change.
    for (const [seq, answer] of [...answers]) {
      if (out.length >= BATCH_BYTES) {
        yield out.finish()
        out = new Writer(BATCH_BYTES + 1024)
      }
      out.byte(ANSWER).varint(seq).chunk(answer)
    }
    if (out.length >= BATCH_BYTES) {
      yield out.finish()
      out = new Writer(BATCH_BYTES + 1024)
    }
  }
  if (out.length > 0) yield out.finish()
}

/** Reads batches into an empty table; `finish` adds the last session. */
export class SessionsReader {
  readonly #sessions: Sessions
  readonly #ordinal: number
  readonly #time: number
  #open: Session | null = null
  #owner: Owner | null = null
  #answersDue = 0
  #lastOrdinal = 0

  /** No session can be newer than the ordinal and time of the whole. */
  constructor(sessions: Sessions, ordinal: number, time: number) {
    this.#sessions = sessions
    this.#ordinal = ordinal
    this.#time = time
  }

  batch(bytes: Uint8Array): void {
    const reader = new Reader(bytes)
    while (reader.left > 0) {
      const kind = reader.byte()
      if (kind === SESSION) this.#session(reader)
      else if (kind === ANSWER) this.#answer(reader)
      else if (kind === OWNER) this.#ownerOfNext(reader)
      else demand(false, `session item of unknown kind ${kind}`)
    }
  }

  finish(): void {
    demand(this.#owner === null, 'an owner without a session')
    this.#close()
  }

  #close(): void {
    demand(this.#answersDue === 0, 'a session lacks answers')
    if (this.#open !== null) this.#sessions.add(this.#open)
    this.#open = null
  }

  #session(reader: Reader): void {
    this.#close()
    const id = reader.varint()
    const lastTime = reader.varint()
    const lastOrdinal = reader.varint()
    const ackedThrough = reader.varint()
    this.#answersDue = reader.varint()
    demand(reader.ok && id >= 1, 'malformed session')
    demand(this.#sessions.get(id) === null, 'a session twice')
    demand(id <= lastOrdinal && lastOrdinal <= this.#ordinal, 'impossible session')
    demand(lastOrdinal > this.#lastOrdinal && lastTime <= this.#time, 'sessions out of order')
    this.#lastOrdinal = lastOrdinal
    const owner = this.#owner
    this.#owner = null
    this.#open = {
      id,
      lastTime,
      lastOrdinal,
      ackedThrough,
      answers: new Map(),
      answerBytes: 0,
      ...(owner === null ? {} : { owner }),
    }
  }

  #ownerOfNext(reader: Reader): void {
    demand(this.#owner === null, 'an owner without a session')
    this.#close()
    const principal = new Uint8Array(reader.chunk())
    const nonce = reader.varint()
    demand(reader.ok && principal.length > 0, 'malformed owner')
    demand(this.#sessions.openedBy({ principal, nonce }) === null, 'a session opened twice')
    this.#owner = { principal, nonce }
  }

  #answer(reader: Reader): void {
    const session = this.#open
    const seq = reader.varint()
    const answer = reader.chunk().slice()
    demand(reader.ok && session !== null && this.#answersDue > 0, 'malformed answer')
    demand(seq > session.ackedThrough && !session.answers.has(seq), 'impossible answer')
    this.#answersDue--
    session.answers.set(seq, answer)
    session.answerBytes += answer.length
  }
}
