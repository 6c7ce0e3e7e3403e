/**
 * Leases by when they expire: a binary heap in which each lease knows its place. The order is by deadline, then by id:
 * total, so what comes out does not depend on how the heap came to lie.
 */
import { assert } from '../../base/assert.js'

export interface Expiring {
  readonly number: bigint
  /** Agreed time (ms). */
  deadline: number
  /** In the heap; -1: not in it. */
  place: number
}

export class Deadlines<T extends Expiring> {
  readonly #heap: T[] = []

  /** Expires before all others. */
  get first(): T | null {
    return this.#heap[0] ?? null
  }

  add(one: T): void {
    assert(one.place === -1, 'added twice')
    one.place = this.#heap.length
    this.#heap.push(one)
    this.#rise(one)
  }

  /** Its deadline is another than it was. */
  changed(one: T): void {
    assert(this.#heap[one.place] === one, 'not in the heap')
    this.#rise(one)
    this.#sink(one)
  }

  remove(one: T): void {
    assert(this.#heap[one.place] === one, 'not in the heap')
    const last = this.#heap.pop()
    if (last !== undefined && last !== one) {
      this.#put(last, one.place)
      this.changed(last)
    }
    one.place = -1
  }

  /** All, in order. Costs a sort. */
  sorted(): T[] {
    return [...this.#heap].sort((a, b) => (isBefore(a, b) ? -1 : 1))
  }

  #rise(one: T): void {
    let at = one.place
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = this.#heap[above]
      if (parent === undefined || !isBefore(one, parent)) break
      this.#put(parent, at)
      at = above
    }
    this.#put(one, at)
  }

  #sink(one: T): void {
    let at = one.place
    for (;;) {
      const left = this.#heap[2 * at + 1]
      const right = this.#heap[2 * at + 2]
      if (left === undefined) break
      const child = right !== undefined && isBefore(right, left) ? right : left
      if (!isBefore(child, one)) break
      const below = child.place
      this.#put(child, at)
      at = below
    }
    this.#put(one, at)
  }

  #put(one: T, at: number): void {
    this.#heap[at] = one
    one.place = at
  }
}

function isBefore(a: Expiring, b: Expiring): boolean {
  return a.deadline < b.deadline || (a.deadline === b.deadline && a.number < b.number)
}
