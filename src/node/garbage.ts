/** Frees what compaction gave up, where no command comes along to do so, in slices between which all else has its turn. */

/** Of one slice (ms). */
const SLICE_MS = 2
/** Events between two looks at the clock. */
const EVENTS = 64

export class GarbageCollector {
  readonly #collect: (eventsMax: number) => boolean
  readonly #now: () => number
  readonly #soon: (task: () => void) => void
  #due = false

  /** `collect` frees the garbage of so many events; true while there is more. */
  constructor(
    collect: (eventsMax: number) => boolean,
    host: { readonly now: () => number; readonly soon: (task: () => void) => void },
  ) {
    this.#collect = collect
    this.#now = host.now
    this.#soon = host.soon
  }

  /** There is something to free. */
  start(): void {
    if (this.#due) return
    this.#due = true
    this.#soon(() => {
      this.#due = false
      const until = this.#now() + SLICE_MS
      let more = true
      while (more && this.#now() < until) more = this.#collect(EVENTS)
      if (more) this.start()
    })
  }
}
