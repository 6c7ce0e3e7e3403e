/**
 * Every world that was reached, in the order in which it was: a row of whole numbers each, so that comparing is exact. A
 * hash only says where to look; that two worlds are taken for one because their hashes agree cannot happen.
 */
import { assert, present } from '../../base/assert.js'

const CHUNK_ROWS = 1 << 14
const TABLE_ROWS_MIN = 1 << 12

export class Visited {
  readonly width: number
  /** Each row is followed by the number of the row it was reached from. */
  readonly #stride: number
  readonly #chunks: Int32Array[] = []
  /** Open addressing; a row's number plus 1, 0: free. At most half full. */
  #table = new Uint32Array(2 * TABLE_ROWS_MIN)
  #size = 0

  constructor(width: number) {
    this.width = width
    this.#stride = width + 1
  }

  get size(): number {
    return this.#size
  }

  /** Of the rows and the table. */
  get bytes(): number {
    return this.#chunks.length * CHUNK_ROWS * this.#stride * 4 + this.#table.byteLength
  }

  /** True: it was not known before. */
  add(row: Int32Array, parent: number): boolean {
    const slot = this.#slotOf(row)
    if (this.#table[slot] !== 0) return false
    this.#table[slot] = this.#size + 1
    this.#append(row, parent)
    if (2 * this.#size > this.#table.length) this.#grow()
    return true
  }

  /** -1: it is not known. */
  numberOf(row: Int32Array): number {
    return (this.#table[this.#slotOf(row)] as number) - 1
  }

  read(number: number, into: Int32Array): void {
    const chunk = present(this.#chunks[Math.floor(number / CHUNK_ROWS)])
    const from = (number % CHUNK_ROWS) * this.#stride
    for (let i = 0; i < this.width; i++) into[i] = chunk[from + i] as number
  }

  /** -1 of the first one. */
  parentOf(number: number): number {
    const chunk = present(this.#chunks[Math.floor(number / CHUNK_ROWS)])
    return present(chunk[(number % CHUNK_ROWS) * this.#stride + this.width])
  }

  /** Where it is, or where it belongs. */
  #slotOf(row: Int32Array): number {
    const mask = this.#table.length - 1
    let slot = hashOf(row, 0, this.width) & mask
    for (;;) {
      const there = this.#table[slot] as number
      if (there === 0 || this.#equal(there - 1, row)) return slot
      slot = (slot + 1) & mask
    }
  }

  #append(row: Int32Array, parent: number): void {
    assert(this.#size < 2 ** 31, 'a row has a number of 31 bits')
    const at = this.#size % CHUNK_ROWS
    if (at === 0) this.#chunks.push(new Int32Array(CHUNK_ROWS * this.#stride))
    const chunk = present(this.#chunks.at(-1))
    chunk.set(row, at * this.#stride)
    chunk[at * this.#stride + this.width] = parent
    this.#size++
  }

  #equal(number: number, row: Int32Array): boolean {
    const chunk = this.#chunks[Math.floor(number / CHUNK_ROWS)] as Int32Array
    const from = (number % CHUNK_ROWS) * this.#stride
    for (let i = 0; i < this.width; i++) if (chunk[from + i] !== row[i]) return false
    return true
  }

  #grow(): void {
    const table = new Uint32Array(2 * this.#table.length)
    const mask = table.length - 1
    for (let number = 0; number < this.#size; number++) {
      const chunk = this.#chunks[Math.floor(number / CHUNK_ROWS)] as Int32Array
      let slot = hashOf(chunk, (number % CHUNK_ROWS) * this.#stride, this.width) & mask
      while (table[slot] !== 0) slot = (slot + 1) & mask
      table[slot] = number + 1
    }
    this.#table = table
  }
}

function hashOf(numbers: Int32Array, from: number, length: number): number {
  let hash = 0x9e3779b9 | 0
  for (let i = from; i < from + length; i++) {
    hash = Math.imul(hash ^ (numbers[i] as number), 0x85ebca6b)
    hash ^= hash >>> 15
  }
  hash = Math.imul(hash, 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
