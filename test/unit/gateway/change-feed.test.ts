/** Watches over a store that is elsewhere, against the same watches over the store itself. */
import { describe, expect, it } from 'vitest'
import { nextInt, pick, type RandomState, seededRandom } from '../../../src/base/random.js'
import { ChangeFeed } from '../../../src/gateway/change-feed.js'
import type { Version } from '../../../src/machine/kv/history.js'
import { KvMachine } from '../../../src/machine/kv/kv-machine.js'
import { eventOf } from '../../../src/machine/watch/events.js'
import { WatchHub } from '../../../src/machine/watch/hub.js'
import type { Watcher, WatchSink } from '../../../src/machine/watch/watcher.js'
import { Code, RpcError } from '../../../src/rpc/status.js'
import { command, del, op, put, txn } from '../machine/helpers.js'

class Sink implements WatchSink {
  writable = true
  readonly told: string[] = []
  gone: number | null = null

  events({ prevKv }: Watcher, events: readonly Version[]): void {
    for (const version of events) {
      const { type, kv, prevKv: was } = eventOf(version, prevKv, -1)
      const name = `${type} ${version.history.key}@${version.mod}`
      this.told.push(
        `${name} ${String(kv?.value)} v${kv?.version} c${kv?.createRevision} ${String(was?.value)}`,
      )
    }
  }

  compacted(_: Watcher, compactRevision: number): void {
    this.gone = compactRevision
  }
}

/** A store, and a hub that knows of it only what it asks. */
class Far {
  readonly kv = new KvMachine()
  readonly feed: ChangeFeed
  readonly hub: WatchHub
  asks = 0
  fails = false
  #index = 0
  readonly #answers: (() => void)[] = []
  readonly #tasks: (() => void)[] = []

  constructor() {
    this.feed = new ChangeFeed({
      ask: (query) => {
        this.asks++
        return new Promise((resolve, reject) => {
          this.#answers.push(() => {
            if (this.fails) reject(new RpcError(Code.UNAVAILABLE, 'etcdserver: request timed out'))
            else resolve(this.kv.query(query).subarray(1))
          })
        })
      },
      changed: () => this.hub.changed(),
    })
    let time = 0
    this.hub = new WatchHub(this.feed, {
      soon: (task) => this.#tasks.push(task),
      now: () => time++,
    })
  }

  apply(bytes: Uint8Array): void {
    expect(this.kv.apply(bytes, { index: ++this.#index, time: 0 })[0]).toBe(0)
  }

  put(key: string, value = 'v'): void {
    this.apply(command.put(put({ key, value })))
  }

  /** Until nobody has anything to do. */
  async run(): Promise<void> {
    for (let quiet = 0; quiet < 3; ) {
      await Promise.resolve()
      const answers = this.#answers.splice(0)
      const tasks = this.#tasks.splice(0)
      quiet = answers.length + tasks.length === 0 ? quiet + 1 : 0
      for (const run of [...answers, ...tasks]) run()
      for (let i = 0; i < 10; i++) await Promise.resolve()
    }
  }

  async watch(sink: WatchSink, more: Partial<Watcher> = {}): Promise<Watcher> {
    const known = this.feed.refresh()
    await this.run()
    await known
    const watcher = watcherOf(sink, { next: this.feed.revision + 1, ...more })
    this.hub.add(watcher)
    return watcher
  }

  async poll(): Promise<void> {
    if (!this.hub.idle) this.feed.poll(this.hub.told)
    await this.run()
  }
}

function watcherOf(sink: WatchSink, more: Partial<Watcher>): Watcher {
  const flags = { noPut: false, noDelete: false, prevKv: true, fragment: false }
  const range = { key: 'a', end: null }
  return { id: 0, range, ...flags, progressNotify: false, sink, next: 2, ...more }
}

describe('a watch of a store that is elsewhere', () => {
  it('begins where the store is, and is told what comes', async () => {
    const far = new Far()
    far.put('a', '1')
    const sink = new Sink()
    await far.watch(sink)
    await far.poll()
    expect(sink.told).toEqual([])
    far.put('a', '2')
    await far.poll()
    expect(sink.told).toEqual(['0 a@3 50 v2 c2 49'])
  })

  it('of the past is told it, page by page, in order', async () => {
    const far = new Far()
    const value = 'x'.repeat(200 * 1024)
    for (let i = 0; i < 20; i++) far.put(`a${i % 3}`, value)
    const sink = new Sink()
    await far.watch(sink, { next: 2, prevKv: false })
    await far.run()
    const order = sink.told.map((text) => Number(/@(\d+)/.exec(text)?.[1]))
    expect(order).toEqual(Array.from({ length: 20 }, (_, i) => i + 2))
  })

  it('of a revision larger than a page is told all of it at once', async () => {
    const far = new Far()
    const sink = new Sink()
    await far.watch(sink, { prevKv: false })
    const keys = Array.from({ length: 100 }, (_, i) => `a${i}`)
    far.apply(
      command.txn(txn({ success: keys.map((key) => op.put({ key, value: 'y'.repeat(14_000) })) })),
    )
    await far.poll()
    expect(sink.told).toHaveLength(100)
    expect(far.asks).toBeGreaterThan(2)
  })

  it('of what is compacted away is told so', async () => {
    const far = new Far()
    for (const value of ['1', '2', '3']) far.put('a', value)
    far.apply(command.compact(4))
    const sink = new Sink()
    await far.watch(sink, { next: 2 })
    await far.run()
    expect(sink).toMatchObject({ gone: 4, told: [] })
    const again = new Sink()
    await far.watch(again, { next: 4, prevKv: false })
    await far.run()
    expect(again.told).toHaveLength(1)
  })

  it('waits while nobody answers, and misses nothing', async () => {
    const far = new Far()
    const sink = new Sink()
    await far.watch(sink)
    far.fails = true
    far.put('a', '1')
    await far.poll()
    far.put('a', '2')
    await far.poll()
    expect(sink.told).toEqual([])
    far.fails = false
    await far.poll()
    expect(sink.told).toHaveLength(2)
    far.feed.close()
  })

  it('is told at once what somebody beside it wrote', async () => {
    const far = new Far()
    const sink = new Sink()
    await far.watch(sink)
    far.put('a', '1')
    far.feed.saw(far.kv.revision)
    await far.run()
    expect(sink.told).toHaveLength(1)
  })

  it('nobody asks while nobody watches', async () => {
    const far = new Far()
    const sink = new Sink()
    const watcher = await far.watch(sink)
    far.hub.remove(watcher)
    const before = far.asks
    far.put('a', '1')
    far.feed.saw(far.kv.revision)
    await far.poll()
    expect(far.asks).toBe(before)
  })

  it.each(Array.from({ length: 12 }, (_, i) => i + 1))(
    'is told what one beside the store is, seed %i',
    async (seed) => {
      const random = seededRandom(seed)
      const far = new Far()
      const beside = new WatchHub(far.kv, { soon: (task) => task(), now: () => 0 })
      const pairs: { far: Sink; near: Sink }[] = []
      for (let i = 0; i < 120; i++) {
        change(far, random)
        beside.changed()
        if (i % 10 === 0) {
          const pair = { far: new Sink(), near: new Sink() }
          const key = pick(random, ['a', 'b', 'c'])
          const more = {
            range: pick(random, [
              { key, end: '' },
              { key, end: null },
            ]),
          }
          const next = nextInt(random, Math.max(2, far.kv.compactRevision), far.kv.revision + 1)
          beside.add(watcherOf(pair.near, { ...more, next }))
          await far.watch(pair.far, { ...more, next })
          pairs.push(pair)
        }
        // Some are slow for a while.
        for (const pair of pairs)
          if (nextInt(random, 0, 3) === 0) {
            pair.far.writable = !pair.far.writable
            if (pair.far.writable) far.hub.drained(pair.far)
          }
        if (nextInt(random, 0, 2) === 0) await far.poll()
      }
      for (const pair of pairs) {
        pair.far.writable = true
        far.hub.drained(pair.far)
      }
      await far.poll()
      await far.poll()
      for (const { far: told, near } of pairs) {
        // Who was slow may have been overtaken by a compaction, and then knows it.
        if (told.gone === null) expect(told.told).toEqual(near.told)
        else expect(near.told.slice(0, told.told.length)).toEqual(told.told)
      }
      expect(pairs.some(({ far: told }) => told.gone === null && told.told.length > 0)).toBe(true)
    },
  )
})

function change(far: Far, random: RandomState): void {
  const key = pick(random, ['a', 'b', 'c', 'd'])
  const what = nextInt(random, 0, 9)
  if (what === 0 && far.kv.revision > far.kv.compactRevision + 20)
    far.apply(command.compact(far.kv.revision - nextInt(random, 10, 19)))
  else if (what < 3) far.apply(command.del(del({ key })))
  else if (what < 5)
    far.apply(command.txn(txn({ success: [op.del({ key }), op.put({ key: 'z', value: key })] })))
  else far.put(key, String(nextInt(random, 0, 1_000)))
}
