/**
 * A node's clock, as its driver reads it. Production reads the monotonic clock of its process, and the driver asserts
 * that it never goes back; so within one life this one drifts, stands still and leaps forward, and only a new life
 * may begin earlier than the last one ended. A wall clock has no part in anything that a node decides.
 */
const DRIFT_SCALE = 1_000

export class NodeClock {
  readonly #now: () => number
  /** What it showed when the world's clock showed `#sinceMs`. */
  #shownMs: number
  #sinceMs = 0
  readonly #ownDrift: number
  #rate: number
  #frozen = false

  /** `drift` in thousandths. */
  constructor(now: () => number, startMs: number, drift: number) {
    this.#now = now
    this.#shownMs = startMs
    this.#ownDrift = drift
    this.#rate = 1 + drift / DRIFT_SCALE
  }

  get rate(): number {
    return this.#rate
  }

  /** Whole ms. */
  read(): number {
    return Math.floor(this.#shown())
  }

  leap(ms: number): void {
    this.#settle()
    this.#shownMs += ms
  }

  /** Null: as it always did. */
  drift(drift: number | null): void {
    this.#settle()
    this.#rate = 1 + (drift ?? this.#ownDrift) / DRIFT_SCALE
  }

  /** It stands still, as that of a machine that is suspended does. */
  freeze(): void {
    this.#settle()
    this.#frozen = true
  }

  /** It goes on from where it stood. */
  thaw(): void {
    this.#settle()
    this.#frozen = false
  }

  /** Of a new process, on the same machine or after its boot. */
  restart(startMs: number): void {
    this.#shownMs = startMs
    this.#sinceMs = this.#now()
    this.#frozen = false
  }

  #shown(): number {
    return this.#frozen ? this.#shownMs : this.#shownMs + (this.#now() - this.#sinceMs) * this.#rate
  }

  #settle(): void {
    this.#shownMs = this.#shown()
    this.#sinceMs = this.#now()
  }
}
