/** Who is left to look at a value that grows, shortest first. */
import type { Operation } from '../history.js'

export class Readers {
  readonly #byLength: readonly number[]
  readonly #place = new Map<number, number>()
  readonly #done: Uint8Array
  readonly #needs: readonly number[]
  /** All before it are done. */
  #first = 0

  constructor(
    coded: readonly { readonly type: string; readonly need: number }[],
    operations: readonly Operation[],
    lengthOf: (id: number) => number,
  ) {
    this.#needs = coded.map(({ need }) => need)
    this.#byLength = [...coded.keys()]
      .filter((op) => {
        const type = coded[op]?.type
        return (type === 'read' || type === 'swap') && operations[op]?.outcome === 'ok'
      })
      .sort((a, b) => lengthOf(this.#need(a)) - lengthOf(this.#need(b)))
    this.#byLength.forEach((op, place) => {
      this.#place.set(op, place)
    })
    this.#done = new Uint8Array(this.#byLength.length)
  }

  take(op: number): void {
    const place = this.#place.get(op)
    if (place !== undefined) this.#done[place] = 1
  }

  giveBack(op: number): void {
    const place = this.#place.get(op)
    if (place === undefined) return
    this.#done[place] = 0
    this.#first = Math.min(this.#first, place)
  }

  /** The shortest value that somebody is left to see. */
  shortest(): number | null {
    while (this.#first < this.#done.length && this.#done[this.#first] === 1) this.#first++
    const op = this.#byLength[this.#first]
    return op === undefined ? null : this.#need(op)
  }

  #need(op: number): number {
    return this.#needs[op] as number
  }
}
