/**
 * The search of Wing and Gong with the memo of Lowe, without recursion: place one operation after the other, each
 * before any operation that was invoked after it had completed; go back where nothing fits.
 *
 * What keeps it short, and why each is without loss:
 * - An operation that changes nothing comes as soon as it is possible: it takes nothing from the others.
 * - Of interchangeable operations the one that ends first comes first: in any order they could be swapped.
 * - A configuration is what is left and the state. With the same left and the same state, one that has used fewer
 *   operations of unknown outcome can do all that the other can, for nobody has to use them. (Such an operation has
 *   no end, but for those that a counterexample was freed from: they happened in their time or not at all.)
 * - The model tells which configurations are hopeless and which operations may come at once.
 */
import { present } from '../base/assert.js'
import { IMPOSSIBLE, type Space } from './model.js'

export interface SearchLimits {
  /** Placements tried. */
  readonly stepsMax: number
  /** Asked now and then; the search ends as unknown once it says yes. */
  readonly shouldStop: () => boolean
}

export interface SearchResult {
  readonly verdict: 'ok' | 'violation' | 'unknown'
  readonly steps: number
  /** Operations of the space in a legal order: all of them, or the most that were ever placed. */
  readonly order: readonly number[]
}

/** Steps between two questions whether to stop. */
const STOP_EVERY_STEPS = 512
/** Sets of used optional operations kept for one configuration; the oldest goes. */
const SETS_MAX = 64

interface Frame {
  /** Length of the order before what this frame placed. */
  readonly mark: number
  readonly state: number
  /** Pairs of an operation and the state after it. */
  readonly choices: readonly number[]
  next: number
}

export function search(space: Space, limits: SearchLimits): SearchResult {
  const board = new Board(space)
  const memo = new Memo(board, space)
  const frames: Frame[] = []
  if (space.impossible() !== null) return { verdict: 'violation', steps: 0, order: [] }
  let steps = 0
  let asked = 0
  let best: readonly number[] = []
  let bestDone = -1
  let arrived: number | null = space.initial
  let mark = 0
  for (;;) {
    if (arrived !== null) {
      const state = board.settle(arrived)
      if (board.remaining === 0) return { verdict: 'ok', steps, order: board.order.slice() }
      const choices = memo.isNew(state) ? board.choices(state) : []
      steps += 1 + choices.length / 2
      frames.push({ mark, state, choices, next: 0 })
      arrived = null
      if (board.done > bestDone && choices.length === 0) {
        bestDone = board.done
        best = board.order.slice()
      }
    }
    const frame = frames[frames.length - 1]
    if (frame === undefined) return { verdict: 'violation', steps, order: best }
    if (frame.next === frame.choices.length) {
      board.backTo(frame.mark)
      frames.pop()
      continue
    }
    if (steps - asked >= STOP_EVERY_STEPS) {
      asked = steps
      if (steps >= limits.stepsMax || limits.shouldStop())
        return { verdict: 'unknown', steps, order: best }
    }
    const op = present(frame.choices[frame.next])
    const to = present(frame.choices[frame.next + 1])
    frame.next += 2
    mark = board.order.length
    board.hideBefore(op)
    board.take(op)
    if (space.hopeless(frame.state, to, op)) {
      if (board.done > bestDone) {
        bestDone = board.done
        best = board.order.slice()
      }
      board.backTo(mark)
    } else arrived = to
  }
}

interface Choice {
  readonly op: number
  readonly to: number
  /** When the first ends for whom the state after it is good. */
  readonly served: number
  readonly end: number
  readonly lost: boolean
}

/** First what serves somebody or ends, whichever is sooner. */
function byUrgency(a: Choice, b: Choice): number {
  if (a.lost !== b.lost) return a.lost ? 1 : -1
  const first = Math.min(a.served, a.end)
  const second = Math.min(b.served, b.end)
  if (first !== second) return first < second ? -1 : 1
  if (a.end !== b.end) return a.end < b.end ? -1 : 1
  return a.op - b.op
}

/** What is placed and what is left. */
class Board {
  readonly order: number[] = []
  /** Operations with an answer that are not placed, and those that are. */
  remaining: number
  done = 0
  /** Words of 32 bits: which optional operations are used. */
  readonly used: Int32Array
  readonly optional: readonly number[]
  /** Required operations that may come next, by invocation, as of the last `settle`. */
  pending: readonly number[] = []
  readonly #space: Space
  readonly #placed: Uint8Array
  readonly #required: Uint8Array
  readonly #invokedAt: Float64Array
  readonly #completedAt: Float64Array
  /** Required operations that are not placed, by invocation: a ring through `#head`. */
  readonly #next: Int32Array
  readonly #prev: Int32Array
  readonly #head: number
  /** Required operations by completion; all before `#first` are placed. */
  readonly #byCompletion: readonly number[]
  readonly #rank: Int32Array
  #first = 0
  readonly #optionalRank: Int32Array
  /** Optional ones that have an end, by it. */
  readonly #bounded: readonly number[]
  /** For each placed operation the latest invocation up to it. */
  readonly #calls: number[] = []

  constructor(space: Space) {
    const { operations } = space
    const n = operations.length
    this.#space = space
    this.#placed = new Uint8Array(n)
    this.#required = Uint8Array.from(operations, (o) => (o.outcome === 'info' ? 0 : 1))
    this.#invokedAt = Float64Array.from(operations, (o) => o.invokedAt)
    this.#completedAt = Float64Array.from(operations, (o) => o.completedAt)
    const byInvocation = [...operations.keys()].sort((a, b) => this.#call(a) - this.#call(b))
    const required = byInvocation.filter((op) => this.#required[op] === 1)
    this.optional = byInvocation.filter((op) => this.#required[op] === 0)
    this.#bounded = this.optional
      .filter((op) => this.#end(op) !== Number.POSITIVE_INFINITY)
      .sort((a, b) => this.#end(a) - this.#end(b))
    this.remaining = required.length
    this.#byCompletion = [...required].sort((a, b) => this.#end(a) - this.#end(b))
    this.#rank = new Int32Array(n)
    this.#byCompletion.forEach((op, rank) => {
      this.#rank[op] = rank
    })
    this.#optionalRank = new Int32Array(n)
    this.optional.forEach((op, rank) => {
      this.#optionalRank[op] = rank
    })
    this.used = new Int32Array((this.optional.length + 31) >> 5)
    this.#head = n
    this.#next = new Int32Array(n + 1)
    this.#prev = new Int32Array(n + 1)
    const ring = [n, ...required, n]
    for (let i = 1; i < ring.length; i++) {
      this.#next[present(ring[i - 1])] = present(ring[i])
      this.#prev[present(ring[i])] = present(ring[i - 1])
    }
  }

  take(op: number): void {
    this.#placed[op] = 1
    this.#calls.push(Math.max(this.#latest(), this.#call(op)))
    this.order.push(op)
    this.#space.take(op)
    if (this.#required[op] === 0) {
      this.#flip(op)
      return
    }
    this.remaining--
    this.done++
    const before = this.#prev[op] as number
    const after = this.#next[op] as number
    this.#next[before] = after
    this.#prev[after] = before
  }

  backTo(mark: number): void {
    while (this.order.length > mark) {
      const op = this.order.pop() as number
      this.#calls.pop()
      this.#placed[op] = 0
      this.#space.giveBack(op)
      if (this.#required[op] === 0) {
        this.#flip(op)
        continue
      }
      this.remaining++
      this.done--
      this.#next[this.#prev[op] as number] = op
      this.#prev[this.#next[op] as number] = op
      this.#first = Math.min(this.#first, this.#rank[op] as number)
    }
  }

  /** Places what may come at once; gives the state after it. */
  settle(from: number): number {
    let state = from
    for (;;) {
      let deadline = this.#deadline()
      for (
        let op = this.#next[this.#head] as number;
        op !== this.#head && (this.#invokedAt[op] as number) <= deadline;
        op = this.#next[op] as number
      ) {
        if (!this.#space.observes(op) || this.#space.step(state, op) === IMPOSSIBLE) continue
        if (!this.#mayGoAhead(op)) continue
        this.take(op)
        if (this.#rank[op] === this.#first) deadline = this.#deadline()
      }
      const pending = this.#findPending()
      this.pending = pending
      const forced = this.#space.forced(state, pending, this.#deadline())
      if (forced.length === 0 || !forced.every((op) => this.#mayGoAhead(op))) return state
      for (const op of forced) {
        state = this.#space.step(state, op)
        this.take(op)
      }
    }
  }

  /** Places what `op` hides. */
  hideBefore(op: number): void {
    for (const other of this.#space.hiddenBy(op, this.#findPending()))
      if (this.#mayGoAhead(other)) this.take(other)
  }

  #findPending(): number[] {
    const deadline = this.#deadline()
    const out: number[] = []
    for (
      let op = this.#next[this.#head] as number;
      op !== this.#head && (this.#invokedAt[op] as number) <= deadline;
      op = this.#next[op] as number
    )
      out.push(op)
    return out
  }

  /** What may come next: pairs of operation and state, most urgent first. */
  choices(state: number): number[] {
    const space = this.#space
    const deadline = this.#deadline()
    const classOf = (op: number) => space.classOf(op)
    const firstOfClass = new Map<number, number>()
    const urgency = new Map<number, number>()
    for (const op of this.pending) {
      const end = this.#end(op)
      const other = firstOfClass.get(classOf(op))
      if (other === undefined || end < this.#end(other)) firstOfClass.set(classOf(op), op)
      const need = space.needOf(op)
      if (need !== null && end < (urgency.get(need) ?? Number.POSITIVE_INFINITY))
        urgency.set(need, end)
    }
    for (const op of this.optional) {
      if (this.#call(op) > deadline) break
      if (this.#placed[op] === 1 || this.#end(op) < this.#latest()) continue
      // One that has an end cannot stand in for one that has to happen: a class of its own.
      const name = this.#end(op) === Number.POSITIVE_INFINITY ? classOf(op) : -1 - classOf(op)
      const other = firstOfClass.get(name)
      if (other === undefined || (name < 0 && this.#end(op) < this.#end(other)))
        firstOfClass.set(name, op)
    }
    const needs = [...urgency].sort(([, a], [, b]) => a - b)
    const found: Choice[] = []
    for (const op of firstOfClass.values()) {
      const to = space.step(state, op)
      if (to === IMPOSSIBLE || (to === state && this.#required[op] === 0)) continue
      const served = needs.find(([need]) => space.serves(to, need))
      const end = this.#required[op] === 1 ? this.#end(op) : Number.POSITIVE_INFINITY
      found.push({
        op,
        to,
        served: served?.[1] ?? Number.POSITIVE_INFINITY,
        end,
        lost: space.isLost(to),
      })
    }
    return found.sort(byUrgency).flatMap(({ op, to }) => [op, to])
  }

  #flip(op: number): void {
    const rank = this.#optionalRank[op] as number
    this.used[rank >> 5] = (this.used[rank >> 5] as number) ^ (1 << (rank & 31))
  }

  /** When the first of those that are left had completed: who was invoked later has to wait. */
  #deadline(): number {
    let first = this.#first
    while (first < this.#byCompletion.length && this.#placed[this.#byCompletion[first] as number])
      first++
    this.#first = first
    const op = this.#byCompletion[first]
    return op === undefined ? Number.POSITIVE_INFINITY : this.#end(op)
  }

  /** Not if that took the chance from an operation that may happen, but only before this one. */
  #mayGoAhead(op: number): boolean {
    if (this.#bounded.length === 0) return true
    const latest = this.#latest()
    const call = this.#call(op)
    let low = 0
    let high = this.#bounded.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#end(this.#bounded[middle] as number) < latest) low = middle + 1
      else high = middle
    }
    for (; low < this.#bounded.length; low++) {
      const other = this.#bounded[low] as number
      if (this.#end(other) >= call) return true
      if (this.#placed[other] === 0) return false
    }
    return true
  }

  /** The latest invocation among those that are placed. */
  #latest(): number {
    return this.#calls[this.#calls.length - 1] ?? Number.NEGATIVE_INFINITY
  }

  #call(op: number): number {
    return this.#invokedAt[op] as number
  }

  #end(op: number): number {
    return this.#completedAt[op] as number
  }
}

/** Configurations that were met; nothing comes of meeting one again. */
class Memo {
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
