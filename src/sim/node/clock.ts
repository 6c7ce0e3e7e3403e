/**
 * A node's clock, as its driver reads it. Production reads the monotonic clock of its process, and the driver asserts
 * that it never goes back; so within one life this one drifts, stands still and leaps forward, and only a new life
 * may begin earlier than the last one ended. A wall clock has no part in anything that a node decides.
 */
const DRIFT_SCALE = 1_000
/** What a time service leaves between two machines. */
const WALL_OFF_MS_MAX = 200
const WALL_START_MS = 1_000_000_000

export class NodeClock {
  readonly #now: () => number
  /** What it showed when the world's clock showed `#sinceMs`. */
  #shownMs: number
  #sinceMs = 0
  readonly #ownDrift: number
  #rate: number
  #frozen = false
  readonly #wallOffMs: number
  #wallLeaptMs = 0

  /** `drift` in thousandths. */
  constructor(now: () => number, startMs: number, drift: number) {
    this.#now = now
    this.#wallOffMs = startMs % (WALL_OFF_MS_MAX + 1)
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
    this.#wallLeaptMs += ms
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

  /** The wall's, in ms: kept near those of others, but for leaps that nobody has set right yet. */
  wall(): number {
    return WALL_START_MS + Math.floor(this.#now() + this.#wallOffMs + this.#wallLeaptMs)
  }

  setRight(): void {
    this.#wallLeaptMs = 0
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
