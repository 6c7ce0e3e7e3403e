/** The state of a search: which operations are placed, which may come next, and in what order to try them. */
import { present } from '../base/assert.js'
import { IMPOSSIBLE, type Space } from './model.js'

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

function byUrgencyLatest(a: Choice, b: Choice): number {
  const unknown = Number.POSITIVE_INFINITY
  if (a.end === unknown && b.end === unknown && a.lost === b.lost && a.served === b.served)
    return b.op - a.op
  return byUrgency(a, b)
}

/** What is placed and what is left. */
export class Board {
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
  choices(state: number, latestFirst: boolean): number[] {
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
    return found.sort(latestFirst ? byUrgencyLatest : byUrgency).flatMap(({ op, to }) => [op, to])
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
