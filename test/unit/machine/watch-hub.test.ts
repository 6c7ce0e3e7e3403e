/** The hub with many watchers: what a slice of its work costs, and what is told while a round takes many slices. */
import { describe, expect, it } from 'vitest'
import { nextInt, pick, type RandomState, seededRandom } from '../../../src/base/random.js'
import type { Version } from '../../../src/machine/kv/history.js'
import { KvMachine } from '../../../src/machine/kv/kv-machine.js'
import type { Pending } from '../../../src/machine/watch/events.js'
import { WatchHub } from '../../../src/machine/watch/hub.js'
import {
  type Watcher,
  type WatchRange,
  type WatchSink,
  wants,
} from '../../../src/machine/watch/watcher.js'
import { command, del, op, put, txn } from './helpers.js'

const MANY = 12_000
const SLICE_MS = 5

/** A store with its hub, and a clock that work moves. */
class Store {
  readonly kv = new KvMachine()
  readonly hub: WatchHub
  readonly #tasks: (() => void)[] = []
  #index = 0
  time = 0
  /** Every look at the clock costs something too. */
  lookMs = 0
  longestMs = 0

  constructor() {
    this.hub = new WatchHub(this.kv, {
      soon: (task) => this.#tasks.push(task),
      now: () => {
        this.time += this.lookMs
        return this.time
      },
    })
    this.kv.listen(this.hub)
  }

  apply(bytes: Uint8Array): void {
    expect(this.kv.apply(bytes, { index: ++this.#index, time: 0 })[0]).toBe(0)
  }

  put(key: string): void {
    this.apply(command.put(put({ key, value: 'v' })))
  }

  get due(): boolean {
    return this.#tasks.length > 0
  }

  slice(): void {
    const from = this.time
    this.#tasks.shift()?.()
    this.longestMs = Math.max(this.longestMs, this.time - from)
  }

  run(): void {
    for (let i = 0; i < 100_000 && this.due; i++) this.slice()
    expect(this.due).toBe(false)
  }
}

/** Each thing that it is told takes its time. */
class Sink implements WatchSink {
  readonly #store: Store
  readonly #ms: number
  readonly told = new Map<Watcher, Version[]>()
  readonly gone = new Map<Watcher, number>()
  /** How often somebody wanted to know whether it takes more. */
  looks = 0
  full = false

  constructor(store: Store, ms = 0) {
    this.#store = store
    this.#ms = ms
  }

  get writable(): boolean {
    this.looks++
    return !this.full
  }

  events(watcher: Watcher, events: readonly Version[]): void {
    this.#store.time += this.#ms
    const told = this.told.get(watcher)
    if (told === undefined) this.told.set(watcher, [...events])
    else told.push(...events)
  }

  compacted(watcher: Watcher, compactRevision: number): void {
    this.#store.time += this.#ms
    this.gone.set(watcher, compactRevision)
  }
}

function watcherOf(sink: WatchSink, range: WatchRange, more: Partial<Watcher> = {}): Watcher {
  const flags = { noPut: false, noDelete: false, prevKv: false, fragment: false }
  return { id: 0, range, ...flags, progressNotify: false, sink, next: 2, ...more }
}

const ONE_KEY = () => ({ key: 'k', end: '' })
const ONE_RANGE = () => ({ key: 'a', end: 'z' })
const OWN_RANGE = (i: number) => ({ key: `a${i}`, end: 'z' })

/** Many in step, who take 0.1 ms each. */
function crowd(rangeAt: (i: number) => WatchRange): { store: Store; sink: Sink } {
  const store = new Store()
  const sink = new Sink(store, 0.1)
  for (let i = 0; i < MANY; i++) store.hub.add(watcherOf(sink, rangeAt(i)))
  return { store, sink }
}

describe('a slice of work', () => {
  it.each([
    ['a key', ONE_KEY],
    ['a range', ONE_RANGE],
    ['ranges of their own', OWN_RANGE],
  ])('ends in time however many watch %s', (_, rangeAt) => {
    const { store, sink } = crowd(rangeAt)
    store.put('k')
    store.slice()
    expect(store.hub.told).toBe(1)
    expect(store.hub.inStep(sink)).toBe(false)
    store.run()
    expect(store.longestMs).toBeLessThan(SLICE_MS + 0.2)
    expect([...sink.told.values()].map(({ length }) => length)).toEqual(Array(MANY).fill(1))
    expect(store.hub.told).toBe(2)
    expect(store.hub.inStep(sink)).toBe(true)
    expect(store.hub.numbers).toEqual({ watchers: MANY, slow: 0, told: MANY, pending: 0 })
  })

  it('ends in time however many a compaction overtook', () => {
    const { store, sink } = crowd(OWN_RANGE)
    const later = watcherOf(sink, { key: 'a', end: null }, { next: 4 })
    store.hub.add(later)
    for (let i = 0; i < 3; i++) store.put('k')
    store.apply(command.compact(4))
    store.run()
    expect(store.longestMs).toBeLessThan(SLICE_MS + 0.2)
    expect(sink.gone.size).toBe(MANY)
    // What it asks for is there.
    expect(sink.told.get(later)?.map(({ mod }) => mod)).toEqual([4])
  })

  it('ends in time however many were in step when the store was replaced', () => {
    const { store, sink } = crowd(OWN_RANGE)
    const ahead = new Store()
    for (const _ of [1, 2]) ahead.put('k')
    store.lookMs = 0.01
    store.kv.restore([...ahead.kv.snapshot()])
    store.run()
    expect(store.longestMs).toBeLessThan(SLICE_MS + 0.2)
    expect([...sink.told.values()].map(({ length }) => length)).toEqual(Array(MANY).fill(2))
  })

  it('ends in time however many wait for what has to be fetched', () => {
    let time = 0
    let answer: Version[] | Pending = 'pending'
    const source = {
      revision: 5,
      compactRevision: -1,
      eventsSince: () => {
        time += 0.1
        return answer
      },
    }
    const tasks: (() => void)[] = []
    const soon = (task: () => void) => tasks.push(task)
    const hub = new WatchHub(source, { soon, now: () => time })
    let looks = 0
    const sink: WatchSink = {
      get writable() {
        looks++
        return true
      },
      events: () => {},
      compacted: () => {},
    }
    for (let i = 0; i < MANY; i++) hub.add(watcherOf(sink, ONE_KEY()))
    let longest = 0
    const run = () => {
      for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) {
        const from = time
        task()
        longest = Math.max(longest, time - from)
      }
    }
    run()
    expect(time).toBeCloseTo(0.1 * MANY)
    // Each asks once more, and once only, in slices; nothing is done about it at once.
    looks = 0
    hub.changed()
    expect(looks).toBe(0)
    run()
    expect(time).toBeCloseTo(2 * 0.1 * MANY)
    expect(hub.numbers.slow).toBe(MANY)
    answer = []
    hub.changed()
    run()
    expect(longest).toBeLessThan(SLICE_MS + 0.3)
    expect(hub.numbers).toMatchObject({ watchers: MANY, slow: 0 })
    expect(hub.inStep(sink)).toBe(true)
  })

  it('looks at few of many ranges that hold no key that changed', () => {
    const store = new Store()
    const sink = new Sink(store)
    let looks = 0
    for (let i = 0; i < MANY; i++) {
      const key = `k${String(i).padStart(6, '0')}`
      const range = {
        get key() {
          looks++
          return key
        },
        end: `${key}~`,
      }
      store.hub.add(watcherOf(sink, range))
    }
    looks = 0
    const keys = Array.from({ length: 100 }, (_, i) => `k006000-${i}`)
    store.apply(command.txn(txn({ success: keys.map((key) => op.put({ key, value: 'v' })) })))
    store.run()
    expect([...sink.told.values()].map(({ length }) => length)).toEqual([100])
    expect(looks).toBeLessThan(100)
  })
})

describe('those behind', () => {
  /** On full streams, each its own. */
  function fullOnes(): { store: Store; sinks: Sink[] } {
    const store = new Store()
    const sinks = Array.from({ length: MANY }, () => new Sink(store))
    for (const sink of sinks) {
      store.hub.add(watcherOf(sink, ONE_KEY()))
      sink.full = true
    }
    store.put('k')
    store.run()
    return { store, sinks }
  }

  it('on full streams are not looked at until these drain', () => {
    const { store, sinks } = fullOnes()
    const [first] = sinks as [Sink]
    for (const sink of sinks) sink.looks = 0
    for (let i = 0; i < 10; i++) {
      store.put('k')
      store.run()
      expect(store.hub.inStep(first)).toBe(false)
    }
    expect(sinks.reduce((sum, { looks }) => sum + looks, 0)).toBe(0)
    first.full = false
    store.hub.drained(first)
    store.run()
    expect([...first.told.values()].map(({ length }) => length)).toEqual([11])
    expect(store.hub.inStep(first)).toBe(true)
    expect(sinks.slice(1).reduce((sum, { looks }) => sum + looks, 0)).toBe(0)
  })

  it('have their turns stream by stream, and those in step are told meanwhile', () => {
    const store = new Store()
    for (let i = 0; i < 10; i++) store.put('k')
    const inStep = new Sink(store, 0.1)
    store.hub.add(watcherOf(inStep, ONE_KEY(), { next: 12 }))
    const crowded = new Sink(store, 0.5)
    for (let i = 0; i < 1_000; i++) store.hub.add(watcherOf(crowded, ONE_KEY()))
    const alone = new Sink(store, 0.5)
    store.hub.add(watcherOf(alone, ONE_KEY()))
    store.put('k')
    store.slice()
    expect([inStep.told.size, alone.told.size]).toEqual([1, 1])
    expect(crowded.told.size).toBeGreaterThan(0)
    store.run()
    expect(crowded.told.size).toBe(1_000)
  })

  it('do not wait for the end of a round', () => {
    const { store } = crowd(ONE_RANGE)
    store.put('k')
    const late = new Sink(store)
    store.hub.add(watcherOf(late, ONE_KEY()))
    store.slice()
    expect(late.told.size).toBe(1)
    expect(store.hub.told).toBe(1)
    expect(store.hub.inStep(late)).toBe(false)
  })

  it('who are somewhere within the round that is under way catch up beyond it', () => {
    const store = new Store()
    const puts = (n: number) => {
      for (let i = 0; i < n; i++) store.put(i % 2 === 0 ? 'a' : 'k')
    }
    puts(500)
    const sink = new Sink(store, 0.1)
    const own = { key: 'a', end: '' }
    for (let i = 0; i < 100; i++) store.hub.add(watcherOf(sink, ONE_KEY(), { next: 502 }))
    puts(900)
    store.slice()
    // One batch of the past ends within the round, in which all of this key have had their turn.
    const late = watcherOf(sink, own)
    store.hub.add(late)
    store.slice()
    expect(store.hub.told).toBe(501)
    store.run()
    expect(sink.told.get(late)).toHaveLength(700)
  })

  it('go for good, also over what they are told', () => {
    const store = new Store()
    store.put('k')
    const told: number[] = []
    const sink: WatchSink = {
      writable: true,
      events: (watcher, events) => {
        told.push(...events.map(({ mod }) => mod))
        store.hub.remove(watcher)
      },
      compacted: () => {},
    }
    store.hub.add(watcherOf(sink, ONE_KEY()))
    store.run()
    store.put('k')
    store.run()
    expect(told).toEqual([2])
    expect(store.hub.idle).toBe(true)
  })
})

it('who comes and goes leaves nothing behind that is looked at', () => {
  const { store, sink } = crowd(OWN_RANGE)
  const goes = Array.from({ length: MANY }, (_, i) => watcherOf(sink, { key: `b${i}`, end: 'c' }))
  for (const one of goes) store.hub.add(one)
  for (const one of goes) store.hub.remove(one)
  store.lookMs = 0.01
  store.put('bz')
  store.run()
  const from = store.time
  store.put('bz')
  store.run()
  expect(sink.told.size).toBe(MANY)
  // One look for each that is told, or little more.
  expect(store.time - from).toBeLessThan(MANY * 0.11 * 1.03)
})

interface Known {
  readonly watcher: Watcher
  readonly from: number
  removed: boolean
}

/**
 * One node's store, now and then behind and replaced by a snapshot, with its hub, whose slices are short; everybody is told
 * what the log says.
 */
class Run {
  readonly #random: RandomState
  readonly #store = new Store()
  readonly #ahead = new Store()
  readonly #sinks: readonly Sink[]
  readonly #log: Version[] = []
  readonly #all: Known[] = []
  #cutOff = false

  constructor(seed: number) {
    this.#random = seededRandom(seed)
    // Three steps or so a slice.
    this.#store.lookMs = 1.5
    this.#sinks = Array.from({ length: 4 }, () => new Sink(this.#store))
  }

  go(steps: number): void {
    for (let i = 0; i < steps; i++) this.#step()
    if (this.#cutOff) this.#reconnect()
    for (const sink of this.#sinks) this.#drain(sink)
    this.#store.run()
    for (const sink of this.#sinks) expect(this.#store.hub.inStep(sink)).toBe(true)
    this.#judge()
    const living = this.#all.filter(({ watcher: { sink }, ...of }) => !of.removed && sink)
    const gone = living.filter(({ watcher }) => (watcher.sink as Sink).gone.has(watcher))
    expect(this.#store.hub.numbers).toMatchObject({
      watchers: living.length - gone.length,
      slow: 0,
    })
  }

  #step(): void {
    const random = this.#random
    const what = nextInt(random, 0, 19)
    if (what < 5) this.#change()
    else if (what < 9) this.#add()
    else if (what === 9) this.#remove()
    else if (what === 10) pick(random, this.#sinks).full = true
    else if (what === 11) this.#drain(pick(random, this.#sinks))
    else if (what === 12 && nextInt(random, 0, 3) === 0) this.#compact()
    else if (what === 13 && nextInt(random, 0, 3) === 0) {
      if (this.#cutOff) this.#reconnect()
      else this.#cutOff = true
    } else for (let n = nextInt(random, 1, 6); n > 0; n--) this.#store.slice()
    this.#checkProgress()
  }

  #key(): string {
    return pick(this.#random, ['a', 'b', 'c', 'd', 'e', 'f']) + pick(this.#random, ['', 'x'])
  }

  #change(): void {
    const key = this.#key()
    const what = nextInt(this.#random, 0, 3)
    if (what < 2) this.#apply(command.put(put({ key, value: 'v' })))
    else if (what === 2) this.#apply(command.del(del({ key, rangeEnd: 'd' })))
    else
      this.#apply(
        command.txn(
          txn({
            success: [op.put({ key }), op.put({ key: `${key}y` }), op.del({ key: `${key}x` })],
          }),
        ),
      )
  }

  #compact(): void {
    const { revision, compactRevision } = this.#ahead.kv
    const at = nextInt(this.#random, Math.max(1, revision - 8), revision)
    if (at > compactRevision) this.#apply(command.compact(at))
  }

  #apply(bytes: Uint8Array): void {
    const before = this.#ahead.kv.revision
    this.#ahead.apply(bytes)
    if (!this.#cutOff) this.#store.apply(bytes)
    if (this.#ahead.kv.revision > before)
      this.#log.push(...(this.#ahead.kv.eventsSince(before + 1, 1_000) ?? []))
  }

  #reconnect(): void {
    this.#cutOff = false
    this.#store.kv.restore([...this.#ahead.kv.snapshot()])
  }

  #drain(sink: Sink): void {
    sink.full = false
    this.#store.hub.drained(sink)
  }

  #add(): void {
    const random = this.#random
    const { revision } = this.#store.kv
    const key = this.#key()
    const end = pick(random, ['', '', null, 'cx', 'f'])
    const range = end !== null && end !== '' && end <= key ? { key, end: null } : { key, end }
    const from =
      nextInt(random, 0, 1) === 0
        ? revision + 1
        : nextInt(random, Math.max(1, revision - 10), revision + 4)
    const kinds = { noPut: nextInt(random, 0, 5) === 0, noDelete: nextInt(random, 0, 5) === 0 }
    const watcher = watcherOf(pick(random, this.#sinks), range, { next: from, ...kinds })
    this.#all.push({ watcher, from, removed: false })
    this.#store.hub.add(watcher)
  }

  #remove(): void {
    if (this.#all.length === 0) return
    const known = pick(this.#random, this.#all)
    known.removed = true
    this.#store.hub.remove(known.watcher)
  }

  /** Of a stream of which nobody is behind, each was told all that the hub says is told. */
  #checkProgress(): void {
    const { hub } = this.#store
    for (const known of this.#all) {
      const { watcher, removed } = known
      const sink = watcher.sink as Sink
      if (removed || sink.gone.has(watcher) || !hub.inStep(sink)) continue
      const wanted = this.#wanted(known).filter(({ mod }) => mod <= hub.told)
      expect(sink.told.get(watcher)?.length ?? 0).toBe(wanted.length)
    }
  }

  #wanted({ watcher, from }: Known): Version[] {
    return this.#log.filter((version) => wants({ ...watcher, next: from }, version))
  }

  #judge(): void {
    const text = ({ mod, sub, deleted, history }: Version) =>
      `${deleted ? '-' : ''}${history.key}@${mod}.${sub}`
    for (const known of this.#all) {
      const { watcher, removed } = known
      const sink = watcher.sink as Sink
      const told = (sink.told.get(watcher) ?? []).map(text)
      const gone = sink.gone.get(watcher)
      const wanted = this.#wanted(known)
      if (gone !== undefined) {
        expect(watcher.next).toBeLessThan(gone)
        expect(told).toEqual(wanted.slice(0, told.length).map(text))
        // He was told that he misses something only where he may.
        expect(wanted[told.length - 1]?.mod ?? 0).toBeLessThan(gone)
      } else if (removed) expect(told).toEqual(wanted.slice(0, told.length).map(text))
      else expect(told).toEqual(wanted.map(text))
    }
  }
}

it.each(Array.from({ length: 40 }, (_, i) => i + 1))(
  'everybody is told what the log says, whatever happens between two slices, seed %i',
  (seed) => {
    new Run(seed).go(600)
  },
)
