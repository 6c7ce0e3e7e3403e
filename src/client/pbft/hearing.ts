/**
 * Which replicas tell a client what its requests come to. f+1 that say the same are believed, so that what the others say is
 * work for nothing: once things have been calm for a while, those are asked to be quiet, and the f+1 that were the first
 * to agree go on. At the first sign of trouble all are heard again. A replica that behaves until it is one of the f+1
 * gains little by it: each time calm has to last twice as long.
 */
export interface Heard {
  /** Whether it is to tell us. */
  hear(on: boolean): void
}

/** Operations that end well in a row. */
const CALM_OPERATIONS_MIN = 16
const CALM_OPERATIONS_MAX = 65_536

export class Hearing<L extends Heard> {
  readonly #links: readonly L[]
  readonly #faultyMax: number
  #calm = 0
  #needed = CALM_OPERATIONS_MIN
  #few: ReadonlySet<L> | null = null

  /** All of the links are heard. `faultyMax`: f. */
  constructor(links: readonly L[], faultyMax: number) {
    this.#links = links
    this.#faultyMax = faultyMax
  }

  /** An operation has ended well: these brought the answer that was believed. */
  agreed(by: ReadonlySet<L>): void {
    if (this.#few !== null || ++this.#calm < this.#needed) return
    // One that brings what others say is not one of f+1.
    if (by.size <= this.#faultyMax) return
    this.#few = by
    for (const link of this.#links) if (!by.has(link)) link.hear(false)
  }

  /** Somebody did not answer in time. */
  troubled(): void {
    this.#calm = 0
    if (this.#few === null) return
    for (const link of this.#links) if (!this.#few.has(link)) link.hear(true)
    this.#few = null
    this.#needed = Math.min(2 * this.#needed, CALM_OPERATIONS_MAX)
  }

  /** This one's stream is gone. */
  lost(link: L): void {
    if (this.#few === null || this.#few.has(link)) this.troubled()
  }
}
