/** The npm client etcd3: keys, transactions, namespaces, software transactions, watchers. */
import { once } from 'node:events'
import {
  Etcd3,
  EtcdError,
  GRPCOutOfRangeError,
  type IWatchResponse,
  STMConflictError,
  type Watcher,
} from 'etcd3'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { OURS, type Target } from './support/targets.js'

const DEADLINE_MS = 20_000

describe.each(OURS)('etcd3 on %s', (_, start) => {
  let target: Target
  let client: Etcd3
  beforeAll(async () => {
    target = await start()
  })
  afterAll(() => target.close())
  beforeEach(async () => {
    client = new Etcd3({ hosts: target.endpoints.map((endpoint) => `http://${endpoint}`) })
    await client.delete().all()
  })
  afterEach(() => client.close())

  it('puts and gets text, numbers, JSON, bytes and nothing', async () => {
    await client.put('text').value('grün')
    await client.put('number').value(42)
    await client.put('json').value(JSON.stringify({ a: [1] }))
    await client.put('bytes').value(Buffer.from([0, 255, 128]))
    expect(await client.get('text').string()).toBe('grün')
    expect(await client.get('number').number()).toBe(42)
    expect(await client.get('json').json()).toEqual({ a: [1] })
    expect(await client.get('bytes').buffer()).toEqual(Buffer.from([0, 255, 128]))
    expect(await client.get('none').string()).toBeNull()
    expect([await client.get('text').exists(), await client.get('none').exists()]).toEqual([
      true,
      false,
    ])
    const before = await client.put('text').value('later').getPrevious()
    expect(before.value.toString()).toBe('grün')
    expect(await client.get('text').revision(before.mod_revision).string()).toBe('grün')
    await client.put('text').touch()
    expect((await client.get('text').exec()).kvs[0]).toMatchObject({ version: '3' })
    expect(await client.get('text').serializable(true).string()).toMatch(/./)
  })

  it('reads ranges: by prefix, limit, order, filter, count', async () => {
    for (const [i, key] of ['r/a', 'r/b', 'r/c', 's'].entries()) await client.put(key).value(9 - i)
    expect(await client.getAll().prefix('r/').numbers()).toEqual({ 'r/a': 9, 'r/b': 8, 'r/c': 7 })
    expect(await client.getAll().prefix('r/').sort('Value', 'Ascend').keys()).toEqual([
      'r/c',
      'r/b',
      'r/a',
    ])
    expect(await client.getAll().prefix('r/').limit(2).keys()).toEqual(['r/a', 'r/b'])
    expect(await client.getAll().inRange({ start: 'r/b', end: 's' }).count()).toBe(2)
    expect(await client.getAll().all().count()).toBe(4)
    const second = (await client.get('r/b').exec()).kvs[0]
    expect(
      await client
        .getAll()
        .all()
        .minModRevision(second?.mod_revision ?? 0)
        .keys(),
    ).toEqual(['r/b', 'r/c', 's'])
    const gone = await client.delete().prefix('r/').getPrevious()
    expect(gone.map((kv) => kv.key.toString())).toEqual(['r/a', 'r/b', 'r/c'])
    expect((await client.delete().key('none').exec()).deleted).toBe('0')
  })

  it('runs one branch of a transaction, whole', async () => {
    await client.put('k').value('1')
    const run = (expected: string) =>
      client
        .if('k', 'Value', '==', expected)
        .and('none', 'Version', '==', 0)
        .then(client.put('k').value('2'), client.put('made').value('x'), client.get('k'))
        .else(client.get('k'), client.delete().key('made'))
        .commit()
    const first = await run('1')
    expect(first).toMatchObject({ succeeded: true })
    expect(first.responses[2]?.response_range?.kvs[0]?.value.toString()).toBe('2')
    const second = await run('1')
    expect(second).toMatchObject({ succeeded: false })
    expect(second.responses[1]?.response_delete_range?.deleted).toBe('1')
    expect(await client.get('made').string()).toBeNull()
  })

  it('tells errors by the classes of etcd3', async () => {
    const future = client.get('k').revision(1_000_000)
    await expect(future.exec()).rejects.toBeInstanceOf(GRPCOutOfRangeError)
    await expect(client.put('').value('v').exec()).rejects.toThrow('key is not provided')
    await expect(client.role('none').addUser('x')).rejects.toBeInstanceOf(Error)
    expect(new EtcdError('')).toBeInstanceOf(Error)
  })

  it('keeps namespaces apart', async () => {
    const inner = client.namespace('team/')
    await inner.put('k').value('inner')
    await client.put('k').value('outer')
    expect(await inner.get('k').string()).toBe('inner')
    expect(await client.get('team/k').string()).toBe('inner')
    expect(await inner.getAll().strings()).toEqual({ k: 'inner' })
    await inner.delete().all()
    expect(await client.getAll().keys()).toEqual(['k'])
  })

  it('software transactions that meet are run again, and add up', async () => {
    await client.put('sum').value(0)
    const add = () =>
      client.stm({ retries: 100 }).transact(async (tx) => {
        const sum = (await tx.get('sum').number()) ?? 0
        await tx.put('sum').value(sum + 1)
      })
    await Promise.all(Array.from({ length: 8 }, add))
    expect(await client.get('sum').number()).toBe(8)
    const conflict = client.stm({ retries: 0 }).transact(async (tx) => {
      await tx.get('sum').number()
      await client.put('sum').value(100)
      await tx.put('sum').value(1)
    })
    await expect(conflict).rejects.toBeInstanceOf(STMConflictError)
    expect(await client.get('sum').number()).toBe(100)
  })

  it('watches from an old revision, with values before, without kinds that were filtered', async () => {
    const { header } = await client.put('w/1').value('a').exec()
    await client.put('w/1').value('b')
    await client.delete().key('w/1')
    // What has happened is told at once: whoever listens does so before the watch is made.
    const all = client
      .watch()
      .prefix('w/')
      .startRevision(header.revision)
      .withPreviousKV()
      .watcher()
    const filtered = client.watch().key('w/1').startRevision(header.revision).only('delete')
    const deletions = filtered.watcher()
    const [events, deleted] = await Promise.all([collect(all, 3), collect(deletions, 1)])
    expect(events.map(({ type, previous }) => [type, previous])).toEqual([
      ['put', undefined],
      ['put', 'a'],
      ['delete', 'b'],
    ])
    expect(deleted).toMatchObject([{ type: 'delete', key: 'w/1' }])
    await all.cancel()
    await deletions.cancel()
  })

  it('a watcher hears of everything once, in order, while the node it asked is killed and comes back', async () => {
    const { header } = await client.put('r').value('0').exec()
    const watcher = await client.watch().key('r').startRevision(header.revision).create()
    watcher.on('disconnected', () => {})
    const heard: string[] = []
    const told = heardAll(watcher, heard, '60')
    for (const [round, i] of [0, 1, 2].entries()) {
      for (let n = 1; n <= 10; n++) await write(target, i, round * 20 + n)
      await target.kill(i)
      for (let n = 11; n <= 20; n++) await write(target, (i + 1) % 3, round * 20 + n)
      await target.revive(i)
      await answers(target, i)
    }
    await told
    expect(heard).toEqual(Array.from({ length: 61 }, (_, n) => String(n)))
    await watcher.cancel()
  })
})

interface Heard {
  readonly type: 'put' | 'delete'
  readonly key: string
  readonly previous: string | undefined
}

async function collect(watcher: Watcher, count: number): Promise<Heard[]> {
  const events: Heard[] = []
  watcher.on('data', (response: IWatchResponse) => {
    for (const { type, kv, prev_kv } of response.events) {
      const kind = type === 'Delete' ? 'delete' : 'put'
      events.push({ type: kind, key: kv.key.toString(), previous: prev_kv?.value.toString() })
    }
  })
  const signal = AbortSignal.timeout(DEADLINE_MS)
  while (events.length < count) await once(watcher, 'data', { signal })
  return events
}

/** Resolves with the event whose value is `last`. */
function heardAll(watcher: Watcher, heard: string[], last: string): Promise<void> {
  return new Promise((resolve) => {
    watcher.on('put', (kv: { value: Buffer }) => {
      heard.push(kv.value.toString())
      if (heard.at(-1) === last) resolve()
    })
  })
}

/** By a client that asks this node alone. */
async function write(target: Target, node: number, n: number): Promise<void> {
  const client = new Etcd3({ hosts: `http://${target.endpoints[node]}` })
  try {
    await client.put('r').value(n)
  } finally {
    client.close()
  }
}

/** Until this node confirms a read again. */
async function answers(target: Target, node: number): Promise<void> {
  const client = new Etcd3({ hosts: `http://${target.endpoints[node]}` })
  const end = Date.now() + DEADLINE_MS
  try {
    for (;;) {
      const there = await client
        .get('r')
        .exists()
        .then(
          () => true,
          () => false,
        )
      if (there) return
      if (Date.now() > end) throw new Error(`node ${node} does not come back`)
    }
  } finally {
    client.close()
  }
}
