/**
 * The gate: what vouches for state leaves only when every batch emitted before it is on disk. A queued send is a
 * message already in flight: never re-gated, changed or taken back, whatever the core decides later; leaving
 * late equals a slow network. The order among the held is the order of their emission.
 */
import { assert } from '../base/assert.js'

export class Gate<T> {
  readonly #leave: (item: T) => void
  /** The last batch that the core emitted, and the last one known to be on disk. */
  #emitted = 0
  #durable = 0
  #held: { readonly batch: number; readonly item: T }[] = []
  /** The held before this place have left. */
  #head = 0

  constructor(leave: (item: T) => void) {
    this.#leave = leave
  }

  get emittedBatch(): number {
    return this.#emitted
  }

  get durableBatch(): number {
    return this.#durable
  }

  get held(): number {
    return this.#held.length - this.#head
  }

  emitted(batch: number): void {
    assert(batch > this.#emitted, 'batches only grow')
    this.#emitted = batch
  }

  /** Leaves at once when all that was emitted is durable; else waits for the last batch emitted so far. */
  pass(item: T): void {
    if (this.#emitted <= this.#durable) this.#leave(item)
    else this.#held.push({ batch: this.#emitted, item })
  }

  /** All batches up to this one are on disk. */
  durable(batch: number): void {
    assert(batch <= this.#emitted, 'a batch is durable only after it was emitted')
    if (batch <= this.#durable) return
    this.#durable = batch
    while (this.#head < this.#held.length) {
      const next = this.#held[this.#head]
      if (next === undefined || next.batch > batch) break
      this.#head++
      this.#leave(next.item)
    }
    if (this.#head === this.#held.length) {
      this.#held = []
      this.#head = 0
    } else if (this.#head > 1_024 && this.#head * 2 > this.#held.length) {
      this.#held = this.#held.slice(this.#head)
      this.#head = 0
    }
  }
}
