/** Operations in a fixed order, of which the search takes some and gives them back: which are left, from the first. */
export class Queue {
  readonly #order: readonly number[]
  readonly #taken: Uint8Array
  readonly #placeOf = new Map<number, number>()
  /** All before it are taken. */
  #first = 0

  constructor(operations: readonly number[], by: (op: number) => number) {
    this.#order = [...operations].sort((a, b) => by(a) - by(b))
    this.#taken = new Uint8Array(this.#order.length)
    this.#order.forEach((op, place) => {
      this.#placeOf.set(op, place)
    })
  }

  take(op: number): void {
    const place = this.#placeOf.get(op)
    if (place !== undefined) this.#taken[place] = 1
  }

  giveBack(op: number): void {
    const place = this.#placeOf.get(op)
    if (place === undefined) return
    this.#taken[place] = 0
    if (place < this.#first) this.#first = place
  }

  /** The first that is left and passes; none after the first that is left and not `within`. */
  find(passes: (op: number) => boolean, within: (op: number) => boolean): number | null {
    for (let place = this.#skip(); place < this.#order.length; place++) {
      if (this.#taken[place] === 1) continue
      const op = this.#order[place] as number
      if (!within(op)) return null
      if (passes(op)) return op
    }
    return null
  }

  first(): number | null {
    return this.#order[this.#skip()] ?? null
  }

  #skip(): number {
    while (this.#first < this.#order.length && this.#taken[this.#first] === 1) this.#first++
    return this.#first
  }
}
