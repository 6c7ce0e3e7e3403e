/** What watchers are told, against what the store did. */
import { describe, expect, it } from 'vitest'
import { nextInt, pick, seededRandom } from '../../../../src/base/random.js'
import { utf8Encode } from '../../../../src/base/utf8.js'
import {
  CompactionRequest,
  DeleteRangeRequest,
  PutRequest,
  TxnRequest,
} from '../../../../src/gen/etcd/api/etcdserverpb/rpc.js'
import { CommandTag, encodeCommand } from '../../../../src/machine/kv/commands.js'
import type { Version } from '../../../../src/machine/kv/history.js'
import { KvMachine } from '../../../../src/machine/kv/kv-machine.js'
import { eventOf } from '../../../../src/machine/watch/events.js'
import { WatchHub } from '../../../../src/machine/watch/hub.js'
import type { Watcher, WatchSink } from '../../../../src/machine/watch/watcher.js'

const bytes = utf8Encode

const putOp = (key: string) => ({
  request: { $case: 'requestPut' as const, value: put(key, 'txn') },
})
const deleteFromOp = (from: string) => {
  const value = { key: bytes(from), rangeEnd: Uint8Array.of(0), prevKv: false }
  return { request: { $case: 'requestDeleteRange' as const, value } }
}

class Store {
  readonly kv = new KvMachine()
  readonly hub: WatchHub
  readonly #tasks: (() => void)[] = []
  #index = 0

  constructor() {
    let time = 0
    const soon = (task: () => void) => this.#tasks.push(task)
    this.hub = new WatchHub(this.kv, { soon, now: () => time++ })
    this.kv.listen(this.hub)
  }

  #apply(tag: CommandTag, message: Uint8Array): void {
    const result = this.kv.apply(encodeCommand(tag, message), { index: ++this.#index, time: 0 })
    expect(result[0]).toBe(0)
  }

  put(key: string, value = 'v'): void {
    this.#apply(CommandTag.PUT, PutRequest.encode(put(key, value)).finish())
  }

  delete(key: string): void {
    const request = { key: bytes(key), rangeEnd: new Uint8Array(0), prevKv: false }
    this.#apply(CommandTag.DELETE_RANGE, DeleteRangeRequest.encode(request).finish())
  }

  /** All in one revision. */
  putAll(keys: readonly string[]): void {
    this.#txn(keys.map(putOp))
  }

  /** All in one revision, too. */
  putThenDeleteFrom(keys: readonly string[], from: string): void {
    this.#txn([...keys.map(putOp), deleteFromOp(from)])
  }

  deleteFromThenPut(from: string, key: string): void {
    this.#txn([deleteFromOp(from), putOp(key)])
  }

  #txn(success: TxnRequest['success']): void {
    const request = { compare: [], success, failure: [] }
    this.#apply(CommandTag.TXN, TxnRequest.encode(request).finish())
  }

  compact(revision: number): void {
    const request = { revision, physical: false }
    this.#apply(CommandTag.COMPACT, CompactionRequest.encode(request).finish())
  }

  /** All that is due. */
  run(): void {
    for (let i = 0; i < 10_000 && this.#tasks.length > 0; i++) this.#tasks.shift()?.()
    expect(this.#tasks).toEqual([])
  }

  step(): void {
    this.#tasks.shift()?.()
  }
}

function put(key: string, value: string) {
  const flags = { prevKv: false, ignoreValue: false, ignoreLease: false }
  return { key: bytes(key), value: bytes(value), lease: '0', ...flags }
}

class Sink implements WatchSink {
  writable = true
  /** By watch: `key@revision`, a deletion with a minus before it. */
  readonly told = new Map<number, string[]>()
  readonly responses: { readonly id: number; readonly revisions: number[] }[] = []
  readonly cancelled = new Map<number, number>()

  events(watcher: Watcher, events: readonly Version[]): void {
    const told = this.told.get(watcher.id) ?? []
    this.told.set(watcher.id, told)
    told.push(...events.map(textOf))
    this.responses.push({ id: watcher.id, revisions: events.map(({ mod }) => mod) })
  }

  compacted(watcher: Watcher, compactRevision: number): void {
    this.cancelled.set(watcher.id, compactRevision)
  }
}

function textOf(version: Version): string {
  return `${version.deleted ? '-' : ''}${version.history.key}@${version.mod}.${version.sub}`
}

function watcher(sink: Sink, id: number, more: Partial<Watcher>): Watcher {
  const flags = { noPut: false, noDelete: false, prevKv: false, fragment: false }
  const range = { key: 'a', end: null }
  return { id, range, ...flags, progressNotify: false, sink, next: 2, ...more }
}

describe('a watch', () => {
  it('from an old revision is told the past, then what comes', () => {
    const store = new Store()
    store.put('a')
    store.put('b')
    store.delete('a')
    const sink = new Sink()
    store.hub.add(watcher(sink, 1, { next: 3 }))
    store.run()
    expect(sink.told.get(1)).toEqual(['b@3.0', '-a@4.0'])
    store.put('c')
    store.run()
    expect(sink.told.get(1)).toEqual(['b@3.0', '-a@4.0', 'c@5.0'])
  })

  it('of the future waits for it in silence', () => {
    const store = new Store()
    const sink = new Sink()
    store.hub.add(watcher(sink, 1, { next: 4 }))
    for (const key of ['a', 'b', 'c']) store.put(key)
    store.run()
    expect(sink.told.get(1)).toEqual(['c@4.0'])
  })

  it('is told of its keys and kinds only', () => {
    const store = new Store()
    const sink = new Sink()
    store.hub.add(watcher(sink, 1, { range: { key: 'b', end: '' } }))
    store.hub.add(watcher(sink, 2, { range: { key: 'a', end: 'b' }, noPut: true }))
    store.hub.add(watcher(sink, 3, { range: { key: 'b', end: null }, noDelete: true }))
    store.putAll(['a', 'b', 'c'])
    store.delete('a')
    store.delete('b')
    store.run()
    expect(sink.told.get(1)).toEqual(['b@2.1', '-b@4.0'])
    expect(sink.told.get(2)).toEqual(['-a@3.0'])
    expect(sink.told.get(3)).toEqual(['b@2.1', 'c@2.2'])
  })

  it('of what is compacted away ends, one at the compacted revision does not', () => {
    const store = new Store()
    for (let i = 0; i < 5; i++) store.put('a')
    store.delete('a')
    store.compact(7)
    const sink = new Sink()
    store.hub.add(watcher(sink, 1, { next: 6 }))
    store.hub.add(watcher(sink, 2, { next: 7 }))
    store.run()
    expect([...sink.cancelled]).toEqual([[1, 7]])
    expect(sink.told.get(2)).toEqual(['-a@7.0'])
  })

  it('whose stream is full holds up nobody, and is told all when it drains', () => {
    const store = new Store()
    const full = new Sink()
    const free = new Sink()
    store.hub.add(watcher(full, 1, {}))
    store.hub.add(watcher(free, 1, {}))
    full.writable = false
    for (let i = 0; i < 3_000; i++) store.put('a')
    store.run()
    expect(free.told.get(1)).toHaveLength(3_000)
    expect(full.told.get(1)).toBeUndefined()
    expect(store.hub.inStep(full)).toBe(false)
    full.writable = true
    store.hub.drained(full)
    store.run()
    expect(full.told.get(1)).toEqual(free.told.get(1))
    expect(store.hub.inStep(full)).toBe(true)
  })

  it('is not told of a revision in two parts, however large it is', () => {
    const store = new Store()
    for (let i = 0; i < 30; i++) store.putAll(Array.from({ length: 100 }, (_, k) => `a${k}`))
    const sink = new Sink()
    store.hub.add(watcher(sink, 1, {}))
    store.run()
    const seen = new Set<number>()
    for (const { revisions } of sink.responses) {
      for (const revision of new Set(revisions)) {
        expect(seen).not.toContain(revision)
        seen.add(revision)
        expect(revisions.filter((one) => one === revision)).toHaveLength(100)
      }
    }
    expect(seen.size).toBe(30)
  })

  it('goes on behind a snapshot that replaced the store, with no gap and no repeat', () => {
    const store = new Store()
    const ahead = new Store()
    const sink = new Sink()
    store.hub.add(watcher(sink, 1, {}))
    for (const one of [store, ahead]) for (let i = 0; i < 3; i++) one.put('a')
    store.run()
    for (let i = 0; i < 4; i++) ahead.put('b')
    store.kv.restore([...ahead.kv.snapshot()])
    store.put('c')
    store.run()
    expect(sink.told.get(1)).toEqual(
      ['a@2', 'a@3', 'a@4', 'b@5', 'b@6', 'b@7', 'b@8', 'c@9'].map((text) => `${text}.0`),
    )
  })
})

it('the value before is told while it is not compacted away', () => {
  const store = new Store()
  store.put('a', 'old')
  store.put('a', 'new')
  store.delete('a')
  const [first, second, gone] = store.kv.eventsSince(2, 10) as [Version, Version, Version]
  expect(eventOf(first, true, -1).prevKv).toBeUndefined()
  expect(eventOf(second, true, -1).prevKv?.value).toEqual(bytes('old'))
  expect(eventOf(gone, true, -1)).toMatchObject({ type: 1, kv: { modRevision: 4, version: 0 } })
  expect(eventOf(second, false, -1).prevKv).toBeUndefined()
  expect(eventOf(second, true, 3).prevKv).toBeUndefined()
})

it('the value before is that of the revision before, not of the same transaction', () => {
  const store = new Store()
  store.put('a', 'old')
  store.putThenDeleteFrom(['a', 'b'], 'a')
  const events = store.kv.eventsSince(3, 10) as Version[]
  const told = events.map((version) => {
    const { type, kv, prevKv } = eventOf(version, true, -1)
    const before = prevKv === undefined ? null : String(Buffer.from(prevKv.value))
    return `${type === 1 ? '-' : ''}${Buffer.from(kv?.key ?? [])} ${before}`
  })
  expect(told).toEqual(['a old', 'b null', '-a old', '-b null'])
  store.put('a', 'again')
  store.deleteFromThenPut('a', 'a')
  const [gone, created] = store.kv.eventsSince(5, 10) as [Version, Version]
  expect(eventOf(gone, true, -1).prevKv?.value).toEqual(bytes('again'))
  expect(eventOf(created, true, -1)).toMatchObject({ type: 0, prevKv: undefined })
})

/** Everybody is told just what the log says from their revision on, whatever is full, compacted or replaced meanwhile. */
function randomRun(seed: number): void {
  const random = seededRandom(seed)
  const store = new Store()
  const log: Version[] = []
  const sinks = Array.from({ length: 3 }, () => new Sink())
  const all: { readonly watcher: Watcher; readonly from: number; readonly sink: Sink }[] = []
  const keys = ['a', 'b', 'ba', 'c']
  for (let i = 0; i < 300; i++) {
    const before = store.kv.revision
    const what = nextInt(random, 0, 12)
    const key = pick(random, keys)
    if (what < 5) store.put(key)
    else if (what < 7) store.delete(key)
    else if (what === 7) store.putAll([key, `${key}x`])
    else if (what === 8 && all.length < 20) {
      const sink = pick(random, sinks)
      const from = nextInt(random, Math.max(1, before - 20), before + 5)
      const range = pick(random, [
        { key, end: '' },
        { key, end: 'bb' },
        { key, end: null },
      ])
      const sane = range.end === null || range.end === '' || range.key < range.end
      const kinds = { noPut: nextInt(random, 0, 4) === 0, noDelete: nextInt(random, 0, 4) === 0 }
      const one = watcher(sink, all.length, { next: from, ...kinds, ...(sane ? { range } : {}) })
      all.push({ watcher: one, from, sink })
      store.hub.add(one)
    } else if (what === 9) pick(random, sinks).writable = nextInt(random, 0, 2) > 0
    else if (what === 10 && nextInt(random, 0, 5) === 0 && before > 30) {
      const revision = nextInt(random, before - 20, before)
      if (revision > store.kv.compactRevision) store.compact(revision)
    } else for (let n = nextInt(random, 0, 4); n > 0; n--) store.step()
    if (store.kv.revision > before) log.push(...(store.kv.eventsSince(before + 1, 100) ?? []))
  }
  for (const sink of sinks) {
    sink.writable = true
    store.hub.drained(sink)
  }
  store.run()
  for (const { watcher: one, from, sink } of all) {
    const told = sink.told.get(one.id) ?? []
    const { key, end } = one.range
    const wanted = log.filter(({ mod, deleted, history }) => {
      const inside =
        end === '' ? history.key === key : history.key >= key && (end === null || history.key < end)
      return mod >= from && inside && !(deleted ? one.noDelete : one.noPut)
    })
    const expected = wanted.map(textOf)
    if (sink.cancelled.has(one.id)) expect(expected.slice(0, told.length)).toEqual(told)
    else expect(told, `seed ${seed}, watch ${one.id} from ${from}`).toEqual(expected)
  }
}

it('whatever is full or compacted meanwhile, nobody misses a change or hears it twice', () => {
  for (let seed = 1; seed <= 100; seed++) randomRun(seed)
})
