/** What a search met before. */
import type { Space } from './model.js'
import type { Board } from './search-board.js'

/** Sets of used optional operations kept for one configuration; the oldest goes. */
const SETS_MAX = 64

/** Configurations that were met; nothing comes of meeting one again. */
export class Memo {
  readonly #board: Board
  readonly #space: Space
  readonly #met = new Map<string, Int32Array[]>()

  constructor(board: Board, space: Space) {
    this.#board = board
    this.#space = space
  }

  /** Whether no configuration that can do as much was met before; remembers it. */
  isNew(state: number): boolean {
    const key = this.#keyOf(state)
    const sets = this.#met.get(key)
    const { used } = this.#board
    if (sets === undefined) {
      this.#met.set(key, [used.slice()])
      return true
    }
    if (sets.some((set) => isSubset(set, used))) return false
    if (sets.length === SETS_MAX) sets.shift()
    sets.push(used.slice())
    return true
  }

  /** What is left of the operations that may come next tells what is placed: all others before the deadline. */
  #keyOf(state: number): string {
    const alike = this.#space.alike(state)
    let key = String.fromCharCode(alike & 0xffff, alike >>> 16)
    for (const op of this.#board.pending) key += String.fromCharCode(op & 0xffff, op >>> 16)
    return key
  }
}

function isSubset(a: Int32Array, b: Int32Array): boolean {
  for (let i = 0; i < a.length; i++) if (((a[i] as number) & ~(b[i] as number)) !== 0) return false
  return true
}
