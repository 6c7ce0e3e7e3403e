/**
 * What is left to do on one cell, by value: who needs it, who brings it, and when. So it is seen at once when a
 * value goes that somebody still has to see and nobody can bring back in time.
 */
import type { Operation } from '../history.js'
import { Queue } from './queue.js'

/** An action with its values as ids; -1 where there is none. */
export interface Coded {
  readonly type: 'read' | 'differs' | 'write' | 'swap' | 'append' | 'nothing'
  /** What it needs, or what it needs not to be. */
  readonly need: number
  readonly brings: number
  /** What it appends; null where that makes no sense. */
  readonly piece: string | null
  /** An append of what no answer shows. */
  readonly unseen: boolean
  readonly classId: number
  readonly optional: boolean
}

/** What a needed value begins and ends with, where values grow. */
export interface Growing {
  begins(need: number, piece: string): boolean
  ends(need: number, piece: string): boolean
}

export class Books {
  /** Needers have an answer; users need not. */
  readonly #needersByEnd: ReadonlyMap<number, Queue>
  readonly #usersByCall: ReadonlyMap<number, Queue>
  readonly #bringersByCall: ReadonlyMap<number, Queue>
  /** Where values grow: who can be the first append to what is needed, and the last change. */
  readonly #firstOf = new Map<number, Queue>()
  readonly #lastOf = new Map<number, Queue>()
  /** By append: the values that it can be the last change to. */
  readonly #endedBy = new Map<number, number[]>()
  readonly #queuesOf: readonly Queue[][]
  /** Of all values. Changers write or swap. */
  readonly #needers: Queue
  readonly #changersByEnd: Queue
  readonly #changersByCall: Queue
  readonly #coded: readonly Coded[]
  readonly #operations: readonly Operation[]
  readonly #horizons: Float64Array
  /** How many compares that failed are left. */
  differs = 0

  constructor(coded: readonly Coded[], operations: readonly Operation[], growing: Growing | null) {
    this.#coded = coded
    this.#operations = operations
    const all = [...coded.keys()]
    this.#queuesOf = all.map(() => [])
    const call = (op: number) => this.call(op)
    const end = (op: number) => this.end(op)
    const required = (op: number) => coded[op]?.optional === false
    const users = all.filter((op) => this.#is(op, 'read') || this.#is(op, 'swap'))
    const changers = all.filter((op) => this.#is(op, 'write') || this.#is(op, 'swap'))
    const needers = users.filter(required)
    const need = (op: number) => this.need(op)
    const brings = (op: number) => this.brings(op)
    this.#needersByEnd = this.#byValue(needers, need, end)
    this.#usersByCall = this.#byValue(users, need, call)
    this.#bringersByCall = this.#byValue(changers, brings, call)
    this.#needers = this.#queue(needers, end)
    this.#changersByEnd = this.#queue(changers.filter(required), end)
    this.#changersByCall = this.#queue(changers, call)
    this.#horizons = this.#findHorizons(changers.filter(required))
    this.differs = all.filter((op) => this.#is(op, 'differs')).length
    // Without changes a value only grows, and the next reader to see something tells all there is to tell.
    if (growing !== null && changers.length > 0)
      this.#findEnds(growing, new Set(needers.map(need)), changers)
  }

  take(op: number): void {
    this.#count(op, -1)
    for (const queue of this.#queuesOf[op] ?? []) queue.take(op)
  }

  giveBack(op: number): void {
    this.#count(op, 1)
    for (const queue of this.#queuesOf[op] ?? []) queue.giveBack(op)
  }

  /** Whether somebody needs the value and nobody brings it in time. */
  isMissing(value: number): boolean {
    const needer = this.#needersByEnd.get(value)?.first() ?? null
    if (needer === null) return false
    const bringer = this.#bringersByCall.get(value)?.first() ?? null
    return bringer === null || this.call(bringer) > this.end(needer)
  }

  /** The most urgent needers that are left, up to `max`, for which `passes` does not hold. */
  anyNeeder(fails: (op: number) => boolean, max: number): boolean {
    let seen = 0
    return this.#needers.find(fails, () => seen++ < max) !== null
  }

  /** Whether somebody can write or swap, before `end`, to what passes. */
  anyChanger(end: number, passes: (brings: number) => boolean): boolean {
    const found = this.#changersByCall.find(
      (op) => passes(this.brings(op)),
      (op) => this.call(op) <= end,
    )
    return found !== null
  }

  /**
   * Whether the value, which the cell holds now, is of no use any more: before anybody who is left could use it,
   * somebody has to have changed it.
   */
  isSpent(value: number): boolean {
    const user = this.#usersByCall.get(value)?.first() ?? null
    if (user === null) return true
    const changer = this.#changersByEnd.find(
      (op) => this.brings(op) !== value,
      () => true,
    )
    return changer !== null && this.call(user) > this.end(changer)
  }

  /**
   * Those that could use what the write brings, if all of them are reads with an answer that were invoked by
   * `deadline`; else null.
   */
  readersOf(write: number, deadline: number): number[] | null {
    const horizon = this.#horizons[write] as number
    const readers: number[] = []
    const other = this.#usersByCall.get(this.brings(write))?.find(
      (op) => {
        const ready = this.#is(op, 'read') && this.call(op) <= deadline
        if (ready) readers.push(op)
        return !ready
      },
      (op) => this.call(op) <= horizon,
    )
    return (other ?? null) === null ? readers : null
  }

  /** Where values grow: whether by `end` somebody can make the last change to what is needed, and the first. */
  canFinish(need: number, end: number): boolean {
    if (this.#lastOf.size === 0) return true
    const last = this.#lastOf.get(need)?.first() ?? null
    return last !== null && this.call(last) <= end
  }

  canBegin(need: number, end: number): boolean {
    if (this.#firstOf.size === 0) return true
    const first = this.#firstOf.get(need)?.first() ?? null
    return first !== null && this.call(first) <= end
  }

  /** Whether the append was the last that could have led to what somebody needs, other than the state after it. */
  wasted(append: number, state: number): boolean {
    return (this.#endedBy.get(append) ?? []).some((need) => {
      if (need === state) return false
      const needer = this.#needersByEnd.get(need)?.first() ?? null
      return needer !== null && !this.canFinish(need, this.end(needer))
    })
  }

  need(op: number): number {
    return (this.#coded[op] as Coded).need
  }

  brings(op: number): number {
    return (this.#coded[op] as Coded).brings
  }

  call(op: number): number {
    return (this.#operations[op] as Operation).invokedAt
  }

  end(op: number): number {
    return (this.#operations[op] as Operation).completedAt
  }

  /**
   * For each change: when another that began after its end and brings another value ends. What it brought is gone
   * by then.
   */
  #findHorizons(changers: readonly number[]): Float64Array {
    const horizons = new Float64Array(this.#coded.length).fill(Number.POSITIVE_INFINITY)
    const byCall = [...changers].sort((a, b) => this.call(a) - this.call(b))
    const byEnd = [...changers].sort((a, b) => this.end(b) - this.end(a))
    // Of those that begin later: the first to end, and the first to end among those that bring something else.
    let first = -1
    let other = -1
    const endOf = (op: number) => (op === -1 ? Number.POSITIVE_INFINITY : this.end(op))
    let next = byCall.length - 1
    for (const op of byEnd) {
      for (; next >= 0 && this.call(byCall[next] as number) > this.end(op); next--) {
        const later = byCall[next] as number
        if (endOf(later) < endOf(first)) {
          if (first !== -1 && this.brings(first) !== this.brings(later)) other = first
          first = later
        } else if (this.brings(later) !== this.brings(first) && endOf(later) < endOf(other))
          other = later
      }
      const same = first !== -1 && this.brings(first) === this.brings(op)
      horizons[op] = endOf(same ? other : first)
    }
    return horizons
  }

  #findEnds(growing: Growing, needs: ReadonlySet<number>, changers: readonly number[]): void {
    const appends = [...this.#coded.keys()].filter((op) => this.#is(op, 'append'))
    for (const need of needs) {
      const first = appends.filter((op) => growing.begins(need, this.#piece(op)))
      const last = appends.filter((op) => growing.ends(need, this.#piece(op)))
      for (const op of last) this.#endedBy.set(op, [...(this.#endedBy.get(op) ?? []), need])
      const direct = changers.filter((op) => this.brings(op) === need)
      this.#firstOf.set(
        need,
        this.#queue(first, (op) => this.call(op)),
      )
      this.#lastOf.set(
        need,
        this.#queue([...last, ...direct], (op) => this.call(op)),
      )
    }
  }

  #piece(op: number): string {
    return (this.#coded[op] as Coded).piece ?? ''
  }

  #queue(operations: readonly number[], by: (op: number) => number): Queue {
    const queue = new Queue(operations, by)
    for (const op of operations) this.#queuesOf[op]?.push(queue)
    return queue
  }

  #byValue(
    operations: readonly number[],
    keyOf: (op: number) => number,
    by: (op: number) => number,
  ): ReadonlyMap<number, Queue> {
    const byValue = new Map<number, number[]>()
    for (const op of operations) {
      const known = byValue.get(keyOf(op))
      if (known === undefined) byValue.set(keyOf(op), [op])
      else known.push(op)
    }
    return new Map([...byValue].map(([value, ops]) => [value, this.#queue(ops, by)]))
  }

  #count(op: number, by: 1 | -1): void {
    if (this.#is(op, 'differs')) this.differs += by
  }

  #is(op: number, type: Coded['type']): boolean {
    return this.#coded[op]?.type === type
  }
}
