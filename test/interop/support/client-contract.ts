/** What the client of etcd's API promises, whoever serves: Quorate, or etcd itself. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import {
  type ClientError,
  CompactedError,
  compare,
  EtcdClient,
  op,
  type Watch,
} from '../../../src/client/index.js'
import type { Target } from './targets.js'
import { TcpProxy } from './tcp-proxy.js'

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString()

/** Every test has keys of its own. */
let tests = 0

export function etcdClientContract(start: () => Promise<Target>): void {
  let serving: Target
  let client: EtcdClient
  let name: string
  beforeAll(async () => {
    serving = await start()
  })
  afterAll(() => serving.close())
  beforeEach(() => {
    name = `t${tests++}`
    client = new EtcdClient({ endpoints: serving.endpoints })
  })
  afterEach(() => client.close())

  /** A client that reaches the cluster through what the test can break. */
  const behind = async (count = 1) => {
    const targets = serving.endpoints.slice(0, count)
    const proxies = await Promise.all(targets.map((target) => TcpProxy.start(target)))
    const endpoints = proxies.map((proxy) => proxy.endpoint)
    const through = new EtcdClient({ endpoints })
    const close = async () => {
      through.close()
      await Promise.all(proxies.map((proxy) => proxy.close()))
    }
    return { through, proxies, close }
  }

  it('puts, gets, ranges and deletes', async () => {
    const first = await client.put(`${name}/a`, 'one')
    await client.put(`${name}/b`, 'two')
    const again = await client.put(`${name}/a`, 'eins', { prevKv: true })
    expect(text(again.prevKv?.value)).toBe('one')
    expect(text((await client.get(`${name}/a`))?.value)).toBe('eins')
    const revision = first.header?.revision ?? 0
    expect(text((await client.get(`${name}/a`, { revision }))?.value)).toBe('one')
    expect(await client.get(`${name}/none`)).toBeNull()
    const newest = { prefix: true, sortTarget: 'mod', sortOrder: 'descend' } as const
    const sorted = await client.range(`${name}/`, newest)
    expect(sorted.kvs.map((kv) => text(kv.key))).toEqual([`${name}/a`, `${name}/b`])
    const counted = await client.range(`${name}/`, { prefix: true, countOnly: true })
    expect(counted).toMatchObject({ count: 2, kvs: [] })
    const gone = await client.delete(`${name}/`, { prefix: true, prevKv: true })
    expect(gone.prevKvs.map((kv) => text(kv.value))).toEqual(['eins', 'two'])
    const stale = await client.range(`${name}/a`, { serializable: true })
    expect(stale.header?.revision).toBeGreaterThan(0)
  })

  it('runs one list of a transaction, nested ones too', async () => {
    const inner = client
      .txn()
      .if(compare.version(`${name}/new`, '=', 0))
      .success(op.get(`${name}/new`))
    const run = () =>
      client
        .txn()
        .if(compare.createRevision(`${name}/new`, '=', 0))
        .success(op.put(`${name}/new`, 'v'), op.txn(inner))
        .failure(op.delete(`${name}/new`))
        .commit()
    const done = await run()
    expect(done.succeeded).toBe(true)
    const nested = done.responses[1]?.response
    const read = nested?.$case === 'responseTxn' ? nested.value : null
    // What it compares is the store before all of it; what it reads was put before it in the same list.
    expect(read).toMatchObject({ succeeded: true })
    const got = read?.responses[0]?.response
    expect(got?.$case === 'responseRange' ? text(got.value.kvs[0]?.value) : null).toBe('v')
    expect(await run()).toMatchObject({ succeeded: false })
    expect(await client.get(`${name}/new`)).toBeNull()
  })

  it("tells what is refused in etcd's words, and what is compacted", async () => {
    const refused = async (call: Promise<unknown>) => {
      const error = await call.then(
        () => null,
        (thrown: ClientError) => thrown,
      )
      return `${error?.kind}: ${error?.message}`
    }
    expect(await refused(client.put('', 'v'))).toBe(
      'InvalidRequest: etcdserver: key is not provided',
    )
    expect(await refused(client.put(name, 'v', { lease: '4711' }))).toBe(
      'InvalidRequest: etcdserver: requested lease not found',
    )
    expect(await refused(client.get(name, { revision: 1_000_000 }))).toBe(
      'InvalidRequest: etcdserver: mvcc: required revision is a future revision',
    )
    const { header } = await client.put(name, 'v')
    const revision = header?.revision ?? 0
    await client.compact(revision)
    expect(await refused(client.get(name, { revision: revision - 1 }))).toBe(
      'Compacted: etcdserver: mvcc: required revision has been compacted',
    )
  })

  it('reads go on elsewhere when an answer does not come; a write does not, and says so', async () => {
    const { through, proxies, close } = await behind(2)
    try {
      await through.put(name, '0')
      await through.put(name, '1')
      proxies[0]?.swallow()
      // Both endpoints have their turn.
      for (let i = 0; i < 2; i++) expect(text((await through.get(name))?.value)).toBe('1')
      proxies[1]?.swallow()
      const unknown = through.put(name, '2', { timeoutMs: 500 })
      await expect(unknown).rejects.toMatchObject({ kind: 'Indeterminate' })
    } finally {
      await close()
    }
    // It was done, which nobody could know there.
    expect(text((await client.get(name))?.value)).toBe('2')
  })

  it('what was never sent is told as such', async () => {
    const { through, proxies, close } = await behind(1)
    try {
      await proxies[0]?.close()
      const put = through.put(name, 'v', { timeoutMs: 300 })
      await expect(put).rejects.toMatchObject({ kind: 'Unavailable' })
    } finally {
      through.close()
      await close().catch(() => {})
    }
    expect(await client.get(name)).toBeNull()
  })

  it('a watch tells the past, then what comes, with values before and without what was filtered', async () => {
    const first = await client.put(`${name}/a`, '1')
    await client.put(`${name}/a`, '2')
    const startRevision = first.header?.revision ?? 0
    const watch = client.watch(`${name}/`, { prefix: true, startRevision, prevKv: true })
    const deletions = client.watch(`${name}/`, { prefix: true, startRevision, only: 'delete' })
    await watch.created
    await client.delete(`${name}/a`)
    const events = await take(watch, 3)
    expect(events).toEqual(['put 1', 'put 2', 'delete '])
    expect(await take(deletions, 1)).toEqual(['delete '])
    watch.close()
    expect(await watch.next()).toEqual({ done: true, value: undefined })
  })

  it('a watch goes on without gap or repeat over connections that break', async () => {
    const { through, proxies, close } = await behind(3)
    let breaks = 0
    const watch = through.watch(name, { onDisconnect: () => breaks++ })
    try {
      await watch.created
      const heard = take(watch, 150)
      for (let i = 0; i < 150; i++) {
        await client.put(name, String(i))
        if (i % 25 === 10) for (const proxy of proxies) proxy.cut()
      }
      expect(await heard).toEqual(Array.from({ length: 150 }, (_, i) => `put ${i}`))
      expect(breaks).toBeGreaterThan(2)
    } finally {
      watch.close()
      await close()
    }
  })

  it('a watch goes on over nodes that are killed and come back', async () => {
    const watch = client.watch(name)
    await watch.created
    const heard = take(watch, 60)
    for (let node = 0; node < 3; node++) {
      await serving.kill(node)
      for (let n = 0; n < 20; n++) await certainly(client, name, String(20 * node + n))
      await serving.revive(node)
      await healthy(client, serving.endpoints[node] ?? '')
    }
    expect(await heard).toEqual(Array.from({ length: 60 }, (_, i) => `put ${i}`))
    watch.close()
  })

  it('a watch that fell behind a compaction says from which revision there is history', async () => {
    const { through, proxies, close } = await behind(1)
    const watch = through.watch(name)
    try {
      await watch.created
      await client.put(name, '1')
      expect(await take(watch, 1)).toEqual(['put 1'])
      proxies[0]?.refuse()
      await client.put(name, '2')
      const { header } = await client.put(name, '3')
      const revision = header?.revision ?? 0
      await client.compact(revision)
      proxies[0]?.accept()
      const behindIt = watch.next()
      await expect(behindIt).rejects.toBeInstanceOf(CompactedError)
      await expect(behindIt).rejects.toMatchObject({ compactRevision: revision })
      const anew = through.watch(name, { startRevision: revision })
      expect(await take(anew, 1)).toEqual(['put 3'])
      anew.close()
    } finally {
      watch.close()
      await close()
    }
  })

  it('a reader who is slow is told all, in batches that wait', async () => {
    const watch = client.watch(name)
    await watch.created
    for (let i = 0; i < 100; i++) await client.put(name, String(i))
    expect(await take(watch, 100)).toEqual(Array.from({ length: 100 }, (_, i) => `put ${i}`))
    watch.close()
  })

  it('a lease is kept beyond its time, and takes its keys along when it is revoked', async () => {
    const lease = await client.lease(2)
    await client.put(name, 'held', { lease: lease.id })
    const watch = client.watch(name, { only: 'delete' })
    await watch.created
    const unkept = await client.lease(lease.ttl, { keepAlive: false })
    await client.put(`${name}/unkept`, 'v', { lease: unkept.id })
    const expiry = client.watch(`${name}/unkept`, { only: 'delete' })
    // A lease of the same length, granted later and not kept, is gone: this one is not.
    expect(await take(expiry, 1)).toEqual(['delete '])
    expiry.close()
    const told = await lease.timeToLive({ keys: true })
    expect(told.TTL).toBeGreaterThan(0)
    expect(told.keys.map(text)).toEqual([name])
    expect(lease.lost.aborted).toBe(false)
    await lease.revoke()
    expect(await take(watch, 1)).toEqual(['delete '])
    watch.close()
    expect(lease.lost.aborted).toBe(false)
    expect((await lease.timeToLive()).TTL).toBe(-1)
  })

  it('a lease is lost when somebody revokes it, or nobody answers in its time', async () => {
    const { through, proxies, close } = await behind(1)
    try {
      const revoked = await through.lease(2)
      const cutOff = await through.lease(2)
      await client.revoke(revoked.id)
      await aborted(revoked.lost)
      expect(revoked.lost.reason).toMatchObject({ kind: 'LeaseLost' })
      proxies[0]?.refuse()
      await aborted(cutOff.lost)
      expect(cutOff.lost.reason).toMatchObject({ kind: 'LeaseLost' })
      proxies[0]?.accept()
    } finally {
      await close()
    }
  })

  it('a lock is one holder at a time, with tokens that grow', async () => {
    let holders = 0
    const tokens: number[] = []
    const contend = async () => {
      const lock = await client.lock(name, { ttl: 5 })
      expect(++holders).toBe(1)
      tokens.push(lock.token)
      // What the token is for: a write that only the holder of this lock can do.
      const { kvs } = await client.range(lock.key)
      expect(kvs[0]?.createRevision).toBe(lock.token)
      holders--
      await lock.release()
    }
    await Promise.all(Array.from({ length: 6 }, contend))
    expect(tokens).toEqual([...tokens].sort((a, b) => a - b))
    expect(new Set(tokens).size).toBe(6)
    expect((await client.range(`${name}/`, { prefix: true })).count).toBe(0)
  })

  it('who gives up waiting for a lock leaves the line', async () => {
    const held = await client.lock(name)
    const giveUp = new AbortController()
    const waiting = client.lock(name, { signal: giveUp.signal })
    await until(async () => (await client.range(`${name}/`, { prefix: true })).count === 2)
    giveUp.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    await until(async () => (await client.range(`${name}/`, { prefix: true })).count === 1)
    await held.release()
    const next = await client.lock(name)
    expect(next.token).toBeGreaterThan(held.token)
    await next.release()
  })

  it('a lock whose lease is gone says so, and the next one has it with a greater token', async () => {
    const lease = await client.lease(2)
    const lock = await client.lock(name, { lease })
    const next = client.lock(name)
    await client.revoke(lease.id)
    expect((await next).token).toBeGreaterThan(lock.token)
    await aborted(lock.lost)
    await (await next).release()
  })

  it('one leads, observers see who, and the next leads when it resigns', async () => {
    const election = client.election(name)
    const stop = new AbortController()
    const seen: string[] = []
    const observing = (async () => {
      for await (const leader of election.observe({ signal: stop.signal }))
        seen.push(text(leader.value))
    })()
    const first = await election.campaign('one')
    await until(() => seen.at(-1) === 'one')
    const second = election.campaign('two')
    await first.proclaim('uno')
    await until(() => seen.at(-1) === 'uno')
    expect(text((await election.leader())?.value)).toBe('uno')
    await first.resign()
    const leading = await second
    await until(() => seen.at(-1) === 'two')
    expect(leading.revision).toBeGreaterThan(first.revision)
    await expect(first.proclaim('late')).rejects.toMatchObject({ kind: 'LeaseLost' })
    await leading.resign()
    expect(await election.leader()).toBeNull()
    stop.abort()
    await observing
  })

  it('work runs on one instance, and is told to stop when its signal or its leadership ends', async () => {
    const { through, proxies, close } = await behind(1)
    let running = 0
    const starts: number[] = []
    const work = async ({ signal, leadership }: Scope) => {
      expect(++running).toBe(1)
      starts.push(leadership.revision)
      await aborted(signal)
      running--
    }
    const scope = new AbortController()
    const run = (one: EtcdClient) =>
      one.election(name).run('me', work, { signal: scope.signal, ttl: 2 })
    try {
      const first = run(through)
      await until(() => starts.length === 1)
      const second = run(client)
      await until(async () => (await client.range(`${name}/`, { prefix: true })).count === 2)
      // Whoever leads is cut off: it stops before its lease has expired, and then the other one starts.
      proxies[0]?.refuse()
      await first
      await until(() => starts.length === 2)
      expect(running).toBe(1)
      scope.abort()
      await second
      expect(running).toBe(0)
      expect(starts[1]).toBeGreaterThan(starts[0] ?? 0)
    } finally {
      await close()
    }
  })

  it('a closed client ends its watches and calls', async () => {
    const watch = client.watch(name)
    await watch.created
    client.close()
    expect(await watch.next()).toEqual({ done: true, value: undefined })
    await expect(client.get(name)).rejects.toMatchObject({ kind: 'Closed' })
  })
}

interface Scope {
  readonly signal: AbortSignal
  readonly leadership: { readonly revision: number }
}

/** So many events, each `type value`. */
async function take(watch: Watch, count: number): Promise<string[]> {
  const events: string[] = []
  while (events.length < count) {
    const { done, value } = await watch.next()
    if (done === true) throw new Error(`the watch ended after ${events.join(', ')}`)
    events.push(...value.events.map(({ type, kv }) => `${type} ${text(kv.value)}`))
  }
  return events
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve())
  })
}

/** Writes it, once: of unknown outcome, it looks. */
async function certainly(client: EtcdClient, key: string, value: string): Promise<void> {
  for (;;) {
    try {
      await client.put(key, value)
      return
    } catch {
      const there = await client.get(key, { timeoutMs: 20_000 })
      if (text(there?.value) === value) return
    }
  }
}

async function healthy(client: EtcdClient, endpoint: string): Promise<void> {
  await until(() =>
    client.ping(endpoint, { timeoutMs: 1_000 }).then(
      () => true,
      () => false,
    ),
  )
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000
  while (!(await holds())) {
    if (Date.now() > end) throw new Error('waited 20 s')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
