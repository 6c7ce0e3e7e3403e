/**
 * The calls that a server has open, and what they hold. Who sends half a request, or reads nothing of his answer, holds
 * memory for as long as he likes: his call is cut off, soon when others are turned away for lack of room. Who does not
 * read a stream is waited for until then: what it may queue is little.
 */
import type { Http2Session } from 'node:http2'
import { Room } from './room.js'

/** What the calls of one server may hold together. */
export interface CallBounds {
  /** One message; a larger one ends its call with RESOURCE_EXHAUSTED. */
  readonly receiveBytesMax: number
  /** Open at once, over all connections. */
  readonly callsMax: number
  /** Of requests that are not whole yet. */
  readonly receivingBytesMax: number
  /** Of answers that have not left for their callers. */
  readonly unreadBytesMax: number
  /** For a whole message to come, and for the reader of an answer to take something. */
  readonly stallMsMax: number
}

const TICK_MS = 1_000
/** When there is no room. */
const SHORT_TICKS = 4
const NEVER = Number.NEGATIVE_INFINITY

/** Ticks: who has waited for his caller since before one of them ends. */
export interface Patience {
  readonly long: number
  /** Others' requests find no room: who has sent nothing since then. */
  readonly receiving: number
  /** Others' answers find none: who has read nothing since then. */
  readonly unread: number
}

/** What one session has a part in. */
export interface Share {
  calls: number
  /** Pieces of answers that the system has taken, since the session began. */
  moved: number
}

export interface OpenCall {
  cutIfWaits(patience: Patience): void
}

export class OpenCalls {
  readonly bounds: CallBounds
  readonly receiving: Room
  readonly unread: Room
  /** A session, with its socket and all its calls. */
  readonly cutOff: (session: Http2Session) => void
  readonly #calls = new Set<OpenCall>()
  readonly #shares = new WeakMap<Http2Session, Share>()
  readonly #timer: NodeJS.Timeout
  #tick = 0

  constructor(bounds: CallBounds, cutOff: (session: Http2Session) => void) {
    this.bounds = bounds
    this.cutOff = cutOff
    this.receiving = new Room(bounds.receivingBytesMax)
    this.unread = new Room(bounds.unreadBytesMax)
    this.#timer = setInterval(() => this.#sweep(), Math.min(TICK_MS, bounds.stallMsMax)).unref()
  }

  /** A clock so coarse that reading it costs nothing: ticks since the start. */
  get tick(): number {
    return this.#tick
  }

  get isFull(): boolean {
    return this.#calls.size >= this.bounds.callsMax
  }

  shareOf(session: Http2Session): Share {
    let share = this.#shares.get(session)
    if (share === undefined) {
      share = { calls: 0, moved: 0 }
      this.#shares.set(session, share)
    }
    return share
  }

  add(call: OpenCall): void {
    this.#calls.add(call)
  }

  remove(call: OpenCall): void {
    this.#calls.delete(call)
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #sweep(): void {
    this.#tick++
    // One more: what began in a tick may have begun at its end.
    const ago = (ticks: number) => this.#tick - 1 - ticks
    const all = Math.ceil(this.bounds.stallMsMax / TICK_MS)
    const few = ago(Math.min(all, SHORT_TICKS))
    const patience = {
      long: ago(all),
      receiving: this.receiving.wasShort() ? few : NEVER,
      unread: this.unread.wasShort() ? few : NEVER,
    }
    for (const call of this.#calls) call.cutIfWaits(patience)
  }
}
