/** The host's clock, and how many units of the core's logical time it has brought. */
import { assert } from '../base/assert.js'
import type { Limits } from './limits.js'

export class Ticks {
  readonly #tickMs: number
  readonly #catchUpMax: number
  #now = 0
  #time = 0
  #nextAt: number | null = null
  #due = 0

  constructor({ tickMs, catchUpTicksMax }: Pick<Limits, 'tickMs' | 'catchUpTicksMax'>) {
    this.#tickMs = tickMs
    this.#catchUpMax = catchUpTicksMax
  }

  /** ms, monotonic: deadlines are on this clock. */
  get now(): number {
    return this.#now
  }

  /** The clock from which the protocol takes agreed time (ms). */
  get time(): number {
    return this.#time
  }

  /** False when no tick is due yet. */
  advance(now: number, time: number): boolean {
    assert(now >= this.#now, 'the clock is monotonic')
    this.#now = now
    this.#time = time
    this.#nextAt ??= now
    const due = Math.floor((now - this.#nextAt) / this.#tickMs) + 1
    if (due <= 0) return false
    this.#due = Math.min(this.#due + due, this.#catchUpMax)
    // The rest of a long pause is dropped: a node that slept must not campaign before it has listened.
    this.#nextAt = due > this.#catchUpMax ? now + this.#tickMs : this.#nextAt + due * this.#tickMs
    return true
  }

  /** Those that no turn has given to the core yet. */
  take(): number {
    const due = this.#due
    this.#due = 0
    return due
  }
}
