import { afterEach, describe, expect, it } from 'vitest'
import { Client, ClientError, type ClientOptions } from '../../../src/client/index.js'
import { FakeCluster } from './fake-cluster.js'

const open: { close(): void | Promise<void> }[] = []

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

async function cluster(count = 3): Promise<FakeCluster> {
  const made = await FakeCluster.start(count)
  open.push(made)
  return made
}

function client(endpoints: readonly string[], options: Partial<ClientOptions> = {}): Client {
  const made = new Client({ endpoints, ...options })
  open.push(made)
  return made
}

async function failure(promise: Promise<unknown>): Promise<ClientError> {
  try {
    await promise
  } catch (error) {
    expect(error).toBeInstanceOf(ClientError)
    return error as ClientError
  }
  throw new Error('it did not fail')
}

/** On a busy machine the time may be up while an attempt is out; then even a refusal to come is unknown. */
async function settled(attempt: () => Promise<unknown>): Promise<ClientError> {
  for (let i = 0; ; i++) {
    const error = await failure(attempt())
    if (error.kind !== 'Indeterminate' || i === 9) return error
  }
}

describe.each(['unary', 'stream'] as const)('commands by %s', (transport) => {
  it('writes, reads, deletes and compares', async () => {
    const c = client((await cluster()).endpoints, { transport })
    const put = await c.put('hello', 'world')
    expect(put.header?.revision).toBe(2)
    const kv = await c.get('hello')
    expect(Buffer.from(kv!.value).toString()).toBe('world')
    expect(await c.get('nothing')).toBe(null)
    expect((await c.del('hello')).deleted).toBe(1)
    expect(await c.get('hello')).toBe(null)
    const txn = await c.txn({ compare: [], success: [], failure: [] })
    expect(txn.succeeded).toBe(true)
  })

  it('follows the hint to a leader whose endpoint it was not given', async () => {
    const nodes = await cluster()
    nodes.leader = 'n3'
    const c = client([nodes.node('n1').endpoint], { transport })
    await c.put('a', '1')
    expect(c.endpoints).toEqual([nodes.node('n1').endpoint, nodes.node('n3').endpoint])
    expect(nodes.node('n2').commands).toEqual([])
  })

  it('follows the leader when it changes', async () => {
    const nodes = await cluster()
    const c = client(nodes.endpoints, { transport })
    await c.put('a', '1')
    nodes.leader = 'n2'
    await c.put('a', '2')
    expect(nodes.kv.revision).toBe(3)
  })

  it('executes a command once though its reply is lost and it is sent again', async () => {
    const nodes = await cluster()
    nodes.node('n1').script.push('lose-reply')
    const c = client(nodes.endpoints, { transport, attemptTimeoutMs: 100 })
    const put = await c.put('a', '1')
    expect(put.header?.revision).toBe(2)
    expect(nodes.kv.revision).toBe(2)
    const sent = nodes.nodes.flatMap((node) => node.commands).filter((one) => one.session > 0)
    expect(sent.length).toBeGreaterThan(1)
    expect(new Set(sent.map((one) => `${one.session}/${one.seq}`)).size).toBe(1)
  })

  it('says that the outcome is unknown when it is, and that nothing happened when it is certain', async () => {
    const nodes = await cluster(1)
    const c = client(nodes.endpoints, { transport, attemptTimeoutMs: 100 })
    await c.put('a', '1')
    nodes.node('n1').script.push(...Array(50).fill('ignore'))
    const unknown = await failure(c.put('a', '2', { timeoutMs: 300 }))
    expect(unknown.kind).toBe('Indeterminate')
    nodes.node('n1').script.length = 0
    nodes.leader = null
    expect((await settled(() => c.put('a', '3', { timeoutMs: 200 }))).kind).toBe('NoLeader')
    expect(nodes.kv.revision).toBe(2)
  })

  it('retries what was refused for load, and says so at the end', async () => {
    const nodes = await cluster(1)
    const c = client(nodes.endpoints, { transport })
    nodes.node('n1').script.push('overload', 'overload')
    await c.put('a', '1')
    nodes.node('n1').script.push(...Array(1_000).fill('overload'))
    const error = await settled(() => c.put('a', '2', { timeoutMs: 200 }))
    expect(error.kind).toBe('Overloaded')
    expect(nodes.kv.revision).toBe(2)
  })

  it('tells a bad request with the text of etcd, at once', async () => {
    const c = client((await cluster()).endpoints, { transport })
    const error = await failure(c.put('', 'v'))
    expect(error.kind).toBe('InvalidRequest')
    expect(error.message).toBe('etcdserver: key is not provided')
    const large = await failure(c.put('k', 'v'.repeat(1_700_000)))
    expect(large.kind).toBe('InvalidRequest')
    expect(large.message).toContain('too large')
    // The session is as good as before.
    await c.put('a', '1')
  })

  it('is in doubt when its session has expired unforeseen, and opens another', async () => {
    const nodes = await cluster(1)
    const c = client(nodes.endpoints, { transport })
    await c.put('a', '1')
    nodes.time = 60 * 60_000
    const error = await failure(c.put('a', '2'))
    expect(error.kind).toBe('Indeterminate')
    expect(error.message).toContain('the session has expired')
    expect(nodes.kv.revision).toBe(2)
    await c.put('a', '2')
    expect(nodes.kv.revision).toBe(3)
  })

  it('keeps many under way, each with its own answer', async () => {
    const nodes = await cluster()
    const c = client(nodes.endpoints, { transport, inflightMax: 64 })
    const revisions = await Promise.all(
      Array.from({ length: 500 }, async (_, i) => (await c.put(`k${i}`, 'v')).header?.revision),
    )
    expect(new Set(revisions).size).toBe(500)
    expect(nodes.kv.revision).toBe(501)
  })

  it('refuses what is beyond its queue', async () => {
    const nodes = await cluster(1)
    const c = client(nodes.endpoints, { transport, inflightMax: 2, queuedMax: 3 })
    const all = await Promise.allSettled(Array.from({ length: 10 }, (_, i) => c.put(`k${i}`, 'v')))
    const refused = all.filter((one) => one.status === 'rejected')
    expect(refused.length).toBeGreaterThan(0)
    for (const one of refused) expect((one.reason as ClientError).kind).toBe('Overloaded')
    expect(nodes.kv.revision).toBe(1 + all.length - refused.length)
  })

  it.each([false, true])(
    'never calls a command unexecuted that went out before the connection broke (fail fast: %s)',
    async (failFast) => {
      const nodes = await cluster(1)
      const node = nodes.node('n1')
      const c = client(nodes.endpoints, { transport, failFast })
      await c.put('a', '1')
      node.script.push('lose-reply')
      const put = failure(c.put('a', '2', { timeoutMs: 600 }))
      while (nodes.kv.revision < 3) await new Promise(setImmediate)
      await node.close()
      // Executed it was; that nobody can be reached any more must not say otherwise.
      expect((await put).kind).toBe('Indeterminate')
    },
  )

  it('goes on after its node was away', async () => {
    const nodes = await cluster(1)
    const c = client(nodes.endpoints, { transport, attemptTimeoutMs: 200 })
    await c.put('a', '1')
    const [node] = nodes.nodes
    const port = Number(node!.endpoint.split(':')[1])
    await node!.close()
    const put = c.put('a', '2')
    await node!.listen(port)
    await put
    expect(nodes.kv.revision).toBe(3)
  })
})

describe('the stream', () => {
  it('carries many commands to a message', async () => {
    const nodes = await cluster(1)
    const c = client(nodes.endpoints, { transport: 'stream' })
    await c.put('warm', 'up')
    const [node] = nodes.nodes
    const sizes: number[] = []
    const unavailable = node!.unavailable.bind(node)
    let before = node!.commands.length
    // Asked once a message.
    node!.unavailable = () => {
      sizes.push(node!.commands.length - before)
      before = node!.commands.length
      return unavailable()
    }
    await Promise.all(Array.from({ length: 200 }, (_, i) => c.put(`k${i}`, 'v')))
    expect(sizes.length).toBeLessThan(20)
    expect(node!.commands.length).toBe(202)
  })
})

describe('what changes no log', () => {
  it('fails at once, if asked to, when nobody is there', async () => {
    const nodes = await cluster(2)
    const { endpoints } = nodes
    await nodes.close()
    const c = client(endpoints, { failFast: true })
    const began = performance.now()
    expect((await failure(c.put('a', '1'))).kind).toBe('Unavailable')
    expect((await failure(c.get('a'))).kind).toBe('Unavailable')
    expect(performance.now() - began).toBeLessThan(1_500)
  })

  it('reads stale without a leader, linearizable not', async () => {
    const nodes = await cluster()
    const c = client(nodes.endpoints)
    await c.put('a', '1')
    nodes.leader = null
    const kv = await c.get('a', { consistency: 'stale' })
    expect(Buffer.from(kv!.value).toString()).toBe('1')
    expect((await failure(c.get('a', { timeoutMs: 200 }))).kind).toBe('NoLeader')
  })

  it('what nodes said is not forgotten over an attempt that the time was too short for', async () => {
    const nodes = await cluster()
    const c = client(nodes.endpoints)
    nodes.leader = null
    for (const node of nodes.nodes) node.readsMax = 1
    expect((await failure(c.get('a', { timeoutMs: 300 }))).kind).toBe('NoLeader')
    expect(nodes.nodes.some((node) => node.reads > 1)).toBe(true)
  })

  it('sets partitions and refuses unknown names', async () => {
    const nodes = await cluster()
    const c = client(nodes.endpoints)
    await c.setPartition(nodes.endpoints[0]!, ['n2', 'n3'], { ttlMs: 500 })
    expect(nodes.node('n1').blocked).toEqual(['n2', 'n3'])
    expect(nodes.node('n1').ttlMs).toBe(500)
    const error = await failure(c.setPartition(nodes.endpoints[0]!, ['n9']))
    expect(error.kind).toBe('InvalidRequest')
  })

  it('asks the leader to hand over, wherever it is', async () => {
    const nodes = await cluster()
    nodes.leader = 'n2'
    const c = client([nodes.endpoints[0]!])
    await c.transferLeadership('n3')
    expect(nodes.leader).toBe('n3')
  })

  it('rejects what is under way when it is closed', async () => {
    const nodes = await cluster(1)
    const c = client(nodes.endpoints)
    await c.put('a', '1')
    nodes.node('n1').script.push('ignore')
    const put = failure(c.put('a', '2'))
    while (nodes.node('n1').commands.length < 3) await new Promise(setImmediate)
    c.close()
    expect((await put).kind).toBe('Indeterminate')
    expect((await failure(c.put('a', '3'))).kind).toBe('Closed')
  })

  it('takes endpoints as people write them, and refuses the rest', () => {
    const c = client(['http://127.0.0.1:2379/', 'localhost:1, [::1]:2'])
    expect(c.endpoints).toEqual(['127.0.0.1:2379', 'localhost:1', '[::1]:2'])
    for (const bad of ['127.0.0.1', 'a:0', 'a:70000', 'https://a:1', 'a b:1', ''])
      expect(() => new Client({ endpoints: [bad] }), bad).toThrow(ClientError)
  })
})
