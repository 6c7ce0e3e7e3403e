/**
 * The calls that a server has open, and what they hold. Who sends half a request, or reads nothing of his answer, holds
 * memory for as long as he likes: his call is cut off, soon when others are turned away for lack of room. Who does not
 * read a stream is waited for until then: what it may queue is little.
 */
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
const SHORT_TICKS = 1

export interface OpenCall {
  /** Ends if it has waited for its caller since before `tick`; `short`: others were turned away for lack of room. */
  cutIfWaitsSince(tick: number, short: boolean): void
}

export class OpenCalls {
  readonly bounds: CallBounds
  readonly receiving: Room
  readonly unread: Room
  readonly #calls = new Set<OpenCall>()
  readonly #timer: NodeJS.Timeout
  #tick = 0

  constructor(bounds: CallBounds) {
    this.bounds = bounds
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
    const patience = Math.ceil(this.bounds.stallMsMax / TICK_MS)
    // Both are asked, so that neither keeps what was long ago.
    const short = [this.receiving.wasShort(), this.unread.wasShort()].includes(true)
    // One more: what began in a tick may have begun at its end.
    const since = this.#tick - 1 - (short ? Math.min(patience, SHORT_TICKS) : patience)
    for (const call of this.#calls) call.cutIfWaitsSince(since, short)
  }
}
