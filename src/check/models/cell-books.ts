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
  readonly classId: number
  readonly optional: boolean
}

export class Books {
  /** Needers have an answer; users need not. */
  readonly #needersByEnd = new Map<number, Queue>()
  readonly #usersByCall = new Map<number, Queue>()
  readonly #bringersByCall = new Map<number, Queue>()
  /** Of all values. Changers write or swap. */
  readonly #needers: Queue
  readonly #changersByEnd: Queue
  readonly #changersByCall: Queue
  readonly #coded: readonly Coded[]
  readonly #operations: readonly Operation[]
  readonly #horizons: Float64Array
  /** How many compares that failed are left, and appends. */
  differs = 0
  appends = 0

  constructor(coded: readonly Coded[], operations: readonly Operation[]) {
    this.#coded = coded
    this.#operations = operations
    const all = [...coded.keys()]
    const call = (op: number) => this.call(op)
    const end = (op: number) => this.end(op)
    const uses = (op: number) => this.#is(op, 'read') || this.#is(op, 'swap')
    const changes = (op: number) => this.#is(op, 'write') || this.#is(op, 'swap')
    const required = (op: number) => coded[op]?.optional === false
    fill(
      this.#needersByEnd,
      all.filter((op) => uses(op) && required(op)),
      (op) => this.need(op),
      end,
    )
    fill(this.#usersByCall, all.filter(uses), (op) => this.need(op), call)
    fill(this.#bringersByCall, all.filter(changes), (op) => this.brings(op), call)
    this.#needers = new Queue(
      all.filter((op) => uses(op) && required(op)),
      end,
    )
    this.#changersByEnd = new Queue(
      all.filter((op) => changes(op) && required(op)),
      end,
    )
    this.#changersByCall = new Queue(all.filter(changes), call)
    this.#horizons = this.#findHorizons(all.filter((op) => changes(op) && required(op)))
    this.differs = all.filter((op) => this.#is(op, 'differs')).length
    this.appends = all.filter((op) => this.#is(op, 'append')).length
  }

  take(op: number): void {
    this.#count(op, -1)
    for (const queue of this.#queuesOf(op)) queue.take(op)
  }

  giveBack(op: number): void {
    this.#count(op, 1)
    for (const queue of this.#queuesOf(op)) queue.giveBack(op)
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

  #queuesOf(op: number): Queue[] {
    const { type } = this.#coded[op] as Coded
    const queues: (Queue | undefined)[] = []
    if (type === 'read' || type === 'swap')
      queues.push(
        this.#needersByEnd.get(this.need(op)),
        this.#usersByCall.get(this.need(op)),
        this.#needers,
      )
    if (type === 'write' || type === 'swap')
      queues.push(
        this.#bringersByCall.get(this.brings(op)),
        this.#changersByEnd,
        this.#changersByCall,
      )
    return queues.filter((queue) => queue !== undefined)
  }

  #count(op: number, by: 1 | -1): void {
    if (this.#is(op, 'differs')) this.differs += by
    if (this.#is(op, 'append')) this.appends += by
  }

  #is(op: number, type: Coded['type']): boolean {
    return this.#coded[op]?.type === type
  }
}

function fill(
  into: Map<number, Queue>,
  operations: readonly number[],
  keyOf: (op: number) => number,
  by: (op: number) => number,
): void {
  const byValue = new Map<number, number[]>()
  for (const op of operations) {
    const known = byValue.get(keyOf(op))
    if (known === undefined) byValue.set(keyOf(op), [op])
    else known.push(op)
  }
  for (const [value, ops] of byValue) into.set(value, new Queue(ops, by))
}
