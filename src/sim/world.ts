/**
 * The simulated world: one clock, one queue of events, one generator. Whatever happens is an event; two events of
 * one instant happen in the order in which they were asked for. So a seed is a whole history, byte for byte.
 */
import { assert } from '../base/assert.js'
import { crc32c } from '../base/crc32c.js'
import { chance, nextInt, nextUint32, type RandomState, seededRandom } from '../base/random.js'

interface WorldEvent {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

export class World {
  readonly seed: number
  readonly random: RandomState
  /** ms since the beginning, with fractions of 1/1024. */
  #now = 0
  #order = 0
  /** A binary heap, earliest first. */
  readonly #heap: WorldEvent[] = []
  #hash = 0x811c9dc5
  #events = 0
  /** Told what happens, line by line; for a human who replays a seed. */
  readonly #write: ((line: string) => void) | null

  constructor(seed: number, write: ((line: string) => void) | null = null) {
    this.seed = seed
    this.random = seededRandom(seed)
    this.#write = write
  }

  get now(): number {
    return this.#now
  }

  get events(): number {
    return this.#events
  }

  /** Of all that was marked so far. */
  get hash(): number {
    return this.#hash >>> 0
  }

  get tracing(): boolean {
    return this.#write !== null
  }

  after(ms: number, run: () => void): void {
    assert(ms >= 0, 'nothing happens in the past')
    this.#push({ at: this.#now + Math.round(ms * 1_024) / 1_024, order: this.#order++, run })
  }

  /** Runs the next event; false when nothing is left to happen. */
  step(): boolean {
    const event = this.#pop()
    if (event === undefined) return false
    this.#now = event.at
    this.#events++
    event.run()
    return true
  }

  chance(p: number): boolean {
    return p > 0 && chance(this.random, p)
  }

  int(min: number, max: number): number {
    return nextInt(this.random, min, max)
  }

  /** Exponential around the mean, in ms, at most eight times as much. */
  exponential(meanMs: number): number {
    return exponential(this.random, meanMs)
  }

  /** Enters a fact into the hash of the run. */
  mark(kind: number, a: number, b: number, bytes?: Uint8Array): void {
    let h = this.#hash
    h = Math.imul(h ^ kind, 0x01000193)
    h = Math.imul(h ^ (a | 0), 0x01000193)
    h = Math.imul(h ^ (b | 0), 0x01000193)
    h = Math.imul(h ^ ((this.#now * 1_024) | 0), 0x01000193)
    if (bytes !== undefined) h = Math.imul(h ^ crc32c(bytes), 0x01000193)
    this.#hash = h
  }

  /** `line` is asked for only when somebody listens. */
  tell(line: () => string): void {
    this.#write?.(`${this.#now.toFixed(3).padStart(11)} ${line()}`)
  }

  #push(event: WorldEvent): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(event)
    while (at > 0) {
      const up = (at - 1) >> 1
      const parent = heap[up] as WorldEvent
      if (before(parent, event)) break
      heap[at] = parent
      at = up
    }
    heap[at] = event
  }

  #pop(): WorldEvent | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let at = 0
    for (;;) {
      let down = 2 * at + 1
      if (down >= heap.length) break
      const right = down + 1
      if (right < heap.length && before(heap[right] as WorldEvent, heap[down] as WorldEvent))
        down = right
      const child = heap[down] as WorldEvent
      if (before(last, child)) break
      heap[at] = child
      at = down
    }
    heap[at] = last
    return first
  }
}

/** Exponential around the mean, in ms, at most eight times as much. */
export function exponential(random: RandomState, meanMs: number): number {
  return spread(nextUint32(random), meanMs)
}

/** The same from a number that was drawn already, uniform over 32 bits. */
export function spread(draw: number, meanMs: number): number {
  const u = ((draw >>> 16) + 1) / 0x1_0000
  return Math.min(-Math.log(u) * meanMs, 8 * meanMs)
}

function before(a: WorldEvent, b: WorldEvent): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
