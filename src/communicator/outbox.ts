/**
 * What waits to be written to one peer: a bounded queue, and behind it, ordered by when they are due and bounded
 * apart, the messages that faults delay. Whether a message may leave is asked when it would be written, so queued ones drop too.
 */
import type { NodeId } from '../consensus/ids.js'
import type { LinkClock } from '../faults/plan.js'
import { FRAME_MESSAGES_MAX } from '../rpc/frame-codec.js'
import type { Counters } from './counters.js'
import type { Door } from './door.js'
import type { CommunicatorLimits } from './types.js'

/** Of one message, when faults double it. */
const COPIES_MAX = 2

interface Waiting {
  readonly bytes: Uint8Array
  /** Its fate is drawn already; only a block can still stop it. */
  readonly decided: boolean
}

interface Held {
  readonly bytes: Uint8Array
  readonly dueMs: number
}

export class Outbox {
  readonly #to: NodeId
  readonly #door: Door
  readonly #limits: CommunicatorLimits
  readonly #counters: Counters
  readonly #onReady: () => void
  readonly #clock: LinkClock = { lastDueMs: 0 }
  #queue: Waiting[] = []
  /** By due time; equal ones in the order of arrival. */
  #held: Held[] = []
  #timer: NodeJS.Timeout | null = null
  #bytes = 0
  #heldBytes = 0

  /** `onReady`: a delayed message is due. */
  constructor(
    to: NodeId,
    by: { door: Door; limits: CommunicatorLimits; counters: Counters; onReady: () => void },
  ) {
    this.#to = to
    this.#door = by.door
    this.#limits = by.limits
    this.#counters = by.counters
    this.#onReady = by.onReady
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0
  }

  /** False: dropped, a bound is reached. */
  add(bytes: Uint8Array): boolean {
    const { queuedMessagesMax, queuedBytesMax } = this.#limits
    if (this.#queue.length >= queuedMessagesMax || this.#bytes + bytes.length > queuedBytesMax) {
      this.#counters.droppedFull++
      return false
    }
    this.#bytes += bytes.length
    this.#queue.push({ bytes, decided: false })
    return true
  }

  /** The messages of one frame, which must be written in this very turn. Empty: nothing may leave now. */
  takeFrame(): Uint8Array[] {
    const frame: Uint8Array[] = []
    let bytes = 0
    let taken = 0
    const now = nowMs()
    for (const waiting of this.#queue) {
      if (frame.length > 0 && bytes + waiting.bytes.length > this.#limits.frameBytes) break
      if (frame.length + COPIES_MAX > FRAME_MESSAGES_MAX) break
      taken++
      for (let copies = this.#copiesNow(waiting, now); copies > 0; copies--) {
        frame.push(waiting.bytes)
        bytes += waiting.bytes.length
      }
    }
    this.#queue.splice(0, taken)
    return frame
  }

  /** The stream is gone: what waits for it will not be sent. Gives how many messages that are. */
  clear(): number {
    const dropped = this.#queue.length + this.#held.length
    this.#counters.droppedDisconnected += dropped
    this.#queue = []
    this.#held = []
    this.#bytes = 0
    this.#heldBytes = 0
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    return dropped
  }

  /** How many copies leave at once; others may be held for later. The message no longer waits here. */
  #copiesNow(waiting: Waiting, now: number): number {
    this.#bytes -= waiting.bytes.length
    if (waiting.decided) {
      if (!this.#door.isBlocked(this.#to)) return 1
      this.#counters.droppedBlocked++
      return 0
    }
    const fate = this.#door.fate(this.#to, this.#clock, now)
    if (fate.type === 'drop') {
      if (fate.why === 'blocked') this.#counters.droppedBlocked++
      else this.#counters.droppedLost++
      return 0
    }
    if (fate.delaysMs.length > 1) this.#counters.duplicated++
    let copies = 0
    for (const delay of fate.delaysMs) {
      if (delay <= 0) copies++
      else this.#hold(waiting.bytes, now + delay)
    }
    return copies
  }

  #hold(bytes: Uint8Array, dueMs: number): void {
    const { delayedMessagesMax, delayedBytesMax } = this.#limits
    const room = this.#heldBytes + bytes.length <= delayedBytesMax
    if (!room || this.#held.length >= delayedMessagesMax) {
      this.#counters.droppedDelayed++
      return
    }
    this.#counters.delayed++
    this.#heldBytes += bytes.length
    let at = this.#held.length
    while (at > 0 && (this.#held[at - 1]?.dueMs ?? 0) > dueMs) at--
    this.#held.splice(at, 0, { bytes, dueMs })
    this.#watch()
  }

  #watch(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    const first = this.#held[0]
    this.#timer = null
    if (first === undefined) return
    const ms = Math.max(1, Math.ceil(first.dueMs - performance.now()))
    this.#timer = setTimeout(() => this.#release(), ms)
  }

  #release(): void {
    this.#timer = null
    const now = nowMs()
    let due = 0
    while ((this.#held[due]?.dueMs ?? Number.POSITIVE_INFINITY) <= now) due++
    for (const { bytes } of this.#held.splice(0, due)) {
      this.#heldBytes -= bytes.length
      this.#bytes += bytes.length
      this.#queue.push({ bytes, decided: true })
    }
    this.#watch()
    if (due > 0) this.#onReady()
  }
}

/** Whole ms: sums and differences are exact, so messages due together stay in their order. */
function nowMs(): number {
  return Math.floor(performance.now())
}
