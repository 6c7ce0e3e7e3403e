/**
 * A map in bytewise order of its keys: latin1 strings, one code unit a byte, which JavaScript compares as
 * bytes. The one file that knows which library holds it.
 */
import sorted from 'sorted-btree'

export class OrderedMap<V> {
  readonly #tree = new sorted.default<string, V>(undefined, compareTexts)

  get size(): number {
    return this.#tree.size
  }

  set(key: string, value: V): void {
    this.#tree.set(key, value)
  }

  delete(key: string): void {
    this.#tree.delete(key)
  }

  /** Visits values with low <= key < high (null: no end) in order, until `visit` gives false. */
  scan(low: string, high: string | null, visit: (value: V, key: string) => boolean): void {
    if (high !== null && low >= high) return
    const last = high ?? this.#tree.maxKey()
    if (last === undefined) return
    this.#tree.forRange(low, last, high === null, (key, value) =>
      visit(value, key) ? undefined : STOP,
    )
  }
}

const STOP = { break: 0 }

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
