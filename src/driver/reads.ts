/**
 * Linearizable reads that wait. All reads of one turn become one Read of the core: a quorum round serves those
 * that arrived before it was sent, so sharing one is sound, and joining one already sent would not be.
 */
import type { ReadDone, ReadOutcome } from './outcomes.js'

interface ReadWaiter {
  readonly deadline: number
  readonly done: ReadDone
  /** While nobody leads it waits for a leader, instead of being refused. */
  readonly patient: boolean
}

export class Reads {
  readonly #max: number
  #queued: ReadWaiter[] = []
  /** Patient ones for which there was no leader. */
  #parked: ReadWaiter[] = []
  readonly #asked = new Map<number, ReadWaiter[]>()
  #size = 0
  #lastNumber = 0
  /** No deadline is earlier than this one. */
  #earliest = Number.POSITIVE_INFINITY

  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#size
  }

  get hasQueued(): boolean {
    return this.#queued.length > 0
  }

  add(deadline: number, done: ReadDone, patient = false): void {
    if (this.#size >= this.#max) {
      done({ type: 'Overloaded', reason: 'too many reads wait' })
      return
    }
    this.#size++
    this.#earliest = Math.min(this.#earliest, deadline)
    this.#queued.push({ deadline, done, patient })
  }

  /** The number under which the core is asked for all that are queued. */
  take(): number {
    const number = ++this.#lastNumber
    this.#asked.set(number, this.#queued)
    this.#queued = []
    return number
  }

  end(number: number, outcome: ReadOutcome): void {
    const waiters = this.#asked.get(number)
    if (waiters === undefined) return
    this.#asked.delete(number)
    for (const waiter of waiters) {
      if (waiter.patient && outcome.type === 'NotLeader') {
        this.#parked.push(waiter)
        continue
      }
      this.#size--
      waiter.done(outcome)
    }
  }

  /** Somebody leads: what waited for that is asked. */
  askAgain(): void {
    if (this.#parked.length === 0) return
    this.#queued.push(...this.#parked)
    this.#parked = []
  }

  expire(now: number): void {
    if (now < this.#earliest) return
    this.#earliest = Number.POSITIVE_INFINITY
    const late: ReadWaiter[] = []
    this.#queued = this.#sift(this.#queued, now, late)
    this.#parked = this.#sift(this.#parked, now, late)
    for (const [number, waiters] of this.#asked) {
      const left = this.#sift(waiters, now, late)
      if (left.length > 0) this.#asked.set(number, left)
      else this.#asked.delete(number)
    }
    this.#size -= late.length
    for (const waiter of late)
      waiter.done({ type: 'Indeterminate', reason: 'the deadline passed before a quorum answered' })
  }

  endAll(outcome: ReadOutcome): void {
    const all = [...this.#queued, ...this.#parked]
    for (const waiters of this.#asked.values()) all.push(...waiters)
    this.#queued = []
    this.#parked = []
    this.#asked.clear()
    this.#size = 0
    for (const waiter of all) waiter.done(outcome)
  }

  #sift(waiters: ReadWaiter[], now: number, late: ReadWaiter[]): ReadWaiter[] {
    const left: ReadWaiter[] = []
    for (const waiter of waiters) {
      if (waiter.deadline <= now) {
        late.push(waiter)
        continue
      }
      left.push(waiter)
      this.#earliest = Math.min(this.#earliest, waiter.deadline)
    }
    return left
  }
}
