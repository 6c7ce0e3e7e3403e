/** Frees what compaction gave up, where no command comes along to do so, in slices between which all else has its turn. */

/** Of one slice (ms): with a pause of the collector in it, it is still below 5. */
const SLICE_MS = 1
/** Events between two looks at the clock. */
const EVENTS = 64

/** Hears how long it takes. */
export interface GarbageTimes {
  slice(ms: number): void
  /** From the first of them to the last. */
  compacted(ms: number): void
}

export class GarbageCollector {
  readonly #collect: (eventsMax: number) => boolean
  readonly #now: () => number
  readonly #soon: (task: () => void) => void
  readonly #times: GarbageTimes | null
  #due = false
  #began: number | null = null

  /** `collect` frees the garbage of so many events; true while there is more. */
  constructor(
    collect: (eventsMax: number) => boolean,
    host: { readonly now: () => number; readonly soon: (task: () => void) => void },
    times: GarbageTimes | null = null,
  ) {
    this.#collect = collect
    this.#now = host.now
    this.#soon = host.soon
    this.#times = times
  }

  /** There is something to free. */
  start(): void {
    if (this.#due) return
    this.#due = true
    this.#soon(() => {
      this.#due = false
      const from = this.#now()
      this.#began ??= from
      let more = true
      let now = from
      while (more && now < from + SLICE_MS) {
        more = this.#collect(EVENTS)
        now = this.#now()
      }
      this.#times?.slice(now - from)
      if (more) this.start()
      else {
        this.#times?.compacted(now - this.#began)
        this.#began = null
      }
    })
  }
}
