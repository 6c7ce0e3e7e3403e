/**
 * Walks from one world to where nothing is left to do, each move drawn from a seed: for spaces that are too large to be
 * seen whole, and too deep to be searched breadth first. Distinct worlds are counted as they are by a search.
 */
import { pick, type RandomState, seededRandom } from '../../base/random.js'
import type { Found, Progress } from './search.js'
import type { Space } from './space.js'
import { Visited } from './visited.js'

export class Walks<V> {
  readonly #space: Space<V>
  readonly #first: Int32Array
  readonly #visited: Visited
  readonly #random: RandomState
  readonly #canonical: Int32Array
  #transitions = 0
  #depth = 0
  #found: Found | null = null

  constructor(space: Space<V>, first: Int32Array, seed: number) {
    this.#space = space
    this.#first = first
    this.#visited = new Visited(space.width)
    this.#canonical = new Int32Array(space.width)
    this.#random = seededRandom(seed)
  }

  get found(): Found | null {
    return this.#found
  }

  /** A sample is never all that there is. */
  get complete(): boolean {
    return false
  }

  get progress(): Progress {
    return {
      ...this.#space.tables,
      states: this.#visited.size,
      transitions: this.#transitions,
      depth: this.#depth,
      open: 0,
      tableBytes: this.#visited.bytes,
    }
  }

  /** Walks until about so many worlds more were seen. False: a promise is broken. */
  advance(worlds: number): boolean {
    const end = this.#transitions + worlds
    while (this.#transitions < end && this.#found === null) this.#walk()
    return this.#found === null
  }

  #walk(): void {
    const path: { readonly move: V; readonly world: Int32Array }[] = []
    let world = this.#first
    for (;;) {
      this.#space.canonical(world, this.#canonical)
      this.#visited.add(this.#canonical, -1)
      const nexts: { move: V; world: Int32Array }[] = []
      let wrong: { move: V; broken: string } | null = null
      this.#space.moves(world, (move, next, broken) => {
        if (broken === null) nexts.push({ move, world: Int32Array.from(next) })
        else wrong ??= { move, broken }
      })
      if (wrong !== null) return this.#fail(path, wrong)
      if (nexts.length === 0) break
      const next = pick(this.#random, nexts)
      path.push(next)
      world = next.world
      this.#transitions++
    }
    this.#depth = Math.max(this.#depth, path.length)
  }

  #fail(
    path: readonly { readonly move: V; readonly world: Int32Array }[],
    { move, broken }: { readonly move: V; readonly broken: string },
  ): void {
    const lines = path.map((step) => this.#space.describeStep(step.move, step.world))
    lines.push(this.#space.describeMove(move))
    this.#found = { broken, path: lines, states: this.#visited.size }
  }
}
