/**
 * Breadth first from one world, so that the first broken promise is one of the shortest ways to break any. A search goes
 * on in slices: who runs it decides when it is enough, since time is none of its business.
 */
import { assert, present } from '../../base/assert.js'
import type { Space, Tables } from './space.js'
import { Visited } from './visited.js'

export interface Found {
  readonly broken: string
  /** A line for each move, from the first world on. */
  readonly path: readonly string[]
  /** Worlds that had been reached when it was found. */
  readonly states: number
}

export interface Progress extends Tables {
  readonly states: number
  /** Moves tried, also those that lead where the search has been. */
  readonly transitions: number
  /** Moves to the farthest world, and those worlds whose moves are not tried yet. */
  readonly depth: number
  readonly open: number
  readonly tableBytes: number
}

export class Search<V> {
  readonly #worlds: Space<V>
  readonly #first: Int32Array
  readonly #visited: Visited
  readonly #world: Int32Array
  readonly #canonical: Int32Array
  #expanded = 0
  #transitions = 0
  #depth = 0
  /** The first world of the depth that is not complete yet. */
  #depthEnd = 0
  #found: Found | null = null

  constructor(worlds: Space<V>, first: Int32Array) {
    this.#worlds = worlds
    this.#first = first
    this.#visited = new Visited(worlds.width)
    this.#world = new Int32Array(worlds.width)
    this.#canonical = new Int32Array(worlds.width)
    worlds.canonical(first, this.#canonical)
    this.#visited.add(this.#canonical, -1)
  }

  get found(): Found | null {
    return this.#found
  }

  /** Every world that the bounds allow was reached. */
  get complete(): boolean {
    return this.#found === null && this.#expanded === this.#visited.size
  }

  get progress(): Progress {
    return {
      ...this.#worlds.tables,
      states: this.#visited.size,
      transitions: this.#transitions,
      depth: this.#depth,
      open: this.#visited.size - this.#expanded,
      tableBytes: this.#visited.bytes,
    }
  }

  /** Tries the moves of so many worlds more. False: there is nothing left to do. */
  advance(worlds: number): boolean {
    const end = Math.min(this.#visited.size, this.#expanded + worlds)
    while (this.#expanded < end && this.#found === null) this.#expand(this.#expanded)
    return this.#found === null && this.#expanded < this.#visited.size
  }

  #expand(number: number): void {
    this.#visited.read(number, this.#world)
    this.#worlds.moves(this.#world, (move, next, broken) => {
      this.#transitions++
      if (this.#found !== null) return
      if (broken !== null) {
        const path = this.#path(number, move)
        this.#found = { broken, path, states: this.#visited.size }
        return
      }
      this.#worlds.canonical(next, this.#canonical)
      this.#visited.add(this.#canonical, number)
    })
    // Rows come in the order of their depth: what the last world of one depth adds is of the next.
    if (number === this.#depthEnd && this.#visited.size - 1 > number) {
      this.#depth++
      this.#depthEnd = this.#visited.size - 1
    }
    this.#expanded++
  }

  /**
   * The moves that lead there, in the names of one and the same world: the rows are of renamed ones. A world renamed can do
   * the same moves, so among those of the world at hand there is always one that leads to the next row.
   */
  #path(last: number, move: V): string[] {
    const rows: number[] = []
    for (let number = last; number >= 0; number = this.#visited.parentOf(number)) rows.push(number)
    rows.reverse()
    let world: Int32Array = Int32Array.from(this.#first)
    const lines: string[] = []
    const wanted = new Int32Array(this.#worlds.width)
    const canonical = new Int32Array(this.#worlds.width)
    for (const number of rows.slice(1)) {
      this.#visited.read(number, wanted)
      const steps: { move: V; next: Int32Array }[] = []
      this.#worlds.moves(world, (candidate, next, broken) => {
        if (broken !== null || steps.length > 0) return
        this.#worlds.canonical(next, canonical)
        if (canonical.every((value, i) => value === wanted[i]))
          steps.push({ move: candidate, next: Int32Array.from(next) })
      })
      const step = present(steps[0], 'a move to the next world')
      lines.push(this.#worlds.describeStep(step.move, step.next))
      world = step.next
    }
    lines.push(this.#lastLine(world, move))
    return lines
  }

  /** The same move in the names of this world: the first that breaks a promise. */
  #lastLine(world: Int32Array, move: V): string {
    let line: string | null = null
    this.#worlds.moves(world, (candidate, _, broken) => {
      if (broken !== null && line === null) line = this.#worlds.describeMove(candidate)
    })
    assert(line !== null, 'a renamed world breaks the same promise')
    return line ?? this.#worlds.describeMove(move)
  }
}
