/** The PBFT client over real servers and seals: every kind of lie that a replica can tell it. */
import { afterEach, describe, expect, it } from 'vitest'
import { Client } from '../../../src/client/client.js'
import { dialEndpoint } from '../../../src/client/dial.js'
import type { ClientOptions } from '../../../src/client/options.js'
import { nodeSuite } from '../../../src/crypto/node.js'
import { signRequests } from '../../../src/crypto/sealed.js'
import type { Channel } from '../../../src/rpc/types.js'
import { FakePbft, type Lie } from './fake-pbft.js'

const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes)
const signerOf = (n: number) => nodeSuite.signer(new Uint8Array(32).fill(n))
const closing: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of closing.splice(0).reverse()) await one.close()
})

async function start(options: Parameters<typeof FakePbft.start>[0] = {}): Promise<FakePbft> {
  const cluster = await FakePbft.start(options)
  closing.push(cluster)
  return cluster
}

function clientOf(cluster: FakePbft, extra: Partial<ClientOptions> = {}): Client {
  const client = new Client({
    endpoints: cluster.endpoints,
    pbft: { cluster: { clusterId: 'c', replicas: cluster.keys } },
    primaryMs: 150,
    commandTimeoutMs: 4_000,
    ...extra,
  })
  closing.push(client)
  return client
}

/** A channel that tells of every result that comes on its streams. */
function counting(channel: Channel, onResult: () => void): Channel {
  const stream: Channel['stream'] = (method, ...rest) => {
    const opened = channel.stream(method, ...rest)
    return new Proxy(opened, {
      get: (of, name) => {
        if (name !== 'onMessage') {
          const value: unknown = Reflect.get(of, name, of)
          return typeof value === 'function' ? value.bind(of) : value
        }
        return (hear: (message: unknown) => void) =>
          of.onMessage((message) => {
            onResult()
            hear(message)
          })
      },
    })
  }
  return new Proxy(channel, {
    get: (of, name) => {
      if (name === 'stream') return stream
      const value: unknown = Reflect.get(of, name, of)
      return typeof value === 'function' ? value.bind(of) : value
    },
  })
}

describe('a client that believes f+1', () => {
  it('writes and reads; only the primary is asked, everybody answers', async () => {
    const cluster = await start()
    const client = clientOf(cluster, { primaryMs: 3_000 })
    await client.put('a', '1')
    expect(text((await client.get('a'))?.value)).toBe('1')
    expect((await client.del('a')).deleted).toBe(1)
    expect(await client.get('a')).toBeNull()
    expect(cluster.ordered.filter(({ session }) => session !== 0)).toHaveLength(4)
    for (const node of cluster.nodes.slice(1)) expect(node.asked.length).toBeLessThanOrEqual(1)
  })

  const LIES: Lie[] = [
    'silent',
    'wrong-result',
    'drops',
    'refuses',
    'wrong-view',
    'wrong-key',
    'wrong-keys-told',
  ]
  for (const lie of LIES)
    for (const liar of ['n1', 'n4'])
      it(`answers are right while ${liar} lies: ${lie}`, async () => {
        const cluster = await start()
        const client = clientOf(cluster)
        cluster.node(liar).lie = lie
        const dropping = lie === 'drops' && liar === 'n1'
        const writing = client.put('k', 'v')
        // What view changes are for: another becomes primary.
        if (dropping) cluster.primary = 'n2'
        await writing
        expect(text((await client.get('k'))?.value)).toBe('v')
        await client.put('k', 'w')
        expect(text((await client.get('k'))?.value)).toBe('w')
        expect((await client.get('k'))?.version).toBe(2)
      })

  it('of seven, two may lie alike', async () => {
    const cluster = await start({ n: 7 })
    const client = clientOf(cluster)
    for (const name of ['n2', 'n5']) cluster.node(name).lie = 'wrong-result'
    for (let i = 0; i < 5; i++) await client.put('k', String(i))
    expect(text((await client.get('k'))?.value)).toBe('4')
  })

  it('one replica that speaks in the names of all is still one, if any', async () => {
    const cluster = await start()
    const client = clientOf(cluster)
    await client.put('k', 'v')
    for (const name of ['n1', 'n2']) cluster.node(name).lie = 'silent'
    cluster.node('n4').lie = 'impersonates'
    const reading = client.get('k')
    await until(() => cluster.ordered.filter(({ seq }) => seq === 2).length > 1)
    cluster.node('n2').lie = 'none'
    expect(text((await reading)?.value)).toBe('v')
  })

  it('executes once, however often it asks', async () => {
    const cluster = await start()
    const client = clientOf(cluster, { primaryMs: 30 })
    for (const name of ['n1', 'n2', 'n3']) cluster.node(name).lie = 'silent'
    const writing = client.put('k', 'v')
    await until(() => cluster.ordered.filter(({ session }) => session === 0).length > 1)
    for (const name of ['n1', 'n2', 'n3']) cluster.node(name).lie = 'none'
    await writing
    for (const node of cluster.nodes) node.lie = 'silent'
    const second = client.put('k', 'w')
    await until(() => cluster.ordered.filter(({ seq }) => seq === 2).length > 2)
    for (const node of cluster.nodes) node.lie = 'none'
    await second
    expect((await client.get('k'))?.version).toBe(2)
    expect(cluster.nodes[0]!.machine.sessionCount).toBe(1)
  })

  it('many at once share signatures, and each gets its own answer', async () => {
    const cluster = await start()
    const client = clientOf(cluster)
    await client.put('first', '')
    const puts = Array.from({ length: 100 }, (_, i) => client.put(`k${i}`, String(i)))
    const revisions = (await Promise.all(puts)).map(({ header }) => header?.revision)
    expect(new Set(revisions).size).toBe(100)
    const signatures = new Set(
      cluster.ordered.slice(2).map(({ auth }) => text(auth?.subarray(-64))),
    )
    expect(signatures.size).toBeLessThan(10)
  })

  it('in calm hears f+1 and no others, and all of them again when one of those falls silent', async () => {
    const cluster = await start()
    const results = new Map<string, number>()
    const client = clientOf(cluster, {
      dial: (endpoint) =>
        counting(dialEndpoint(endpoint), () => {
          results.set(endpoint, (results.get(endpoint) ?? 0) + 1)
        }),
    })
    for (let i = 0; i < 40; i++) await client.put('k', String(i))
    results.clear()
    for (let i = 0; i < 20; i++) await client.put('k', String(i))
    // The primary answers what it is asked, whether it is heard or not.
    const told = cluster.endpoints.filter((endpoint) => (results.get(endpoint) ?? 0) > 1)
    expect(told.length).toBeGreaterThanOrEqual(2)
    expect(told.length).toBeLessThanOrEqual(3)
    for (const node of cluster.nodes) {
      node.lie = 'silent'
      await client.put('k', node.name)
      node.lie = 'none'
    }
    expect(text((await client.get('k'))?.value)).toBe('n4')
    expect((await client.get('k'))?.version).toBe(64)
  })

  it('fewer than f+1 that answer are no answer', async () => {
    const cluster = await start()
    const client = clientOf(cluster, { commandTimeoutMs: 600 })
    await client.put('a', '1')
    for (const name of ['n1', 'n2', 'n3']) cluster.node(name).lie = 'silent'
    await expect(client.put('b', '2')).rejects.toMatchObject({ kind: 'Indeterminate' })
    await expect(client.get('a')).rejects.toMatchObject({ kind: 'Unavailable' })
  })

  it('nobody there: fails at once when asked to', async () => {
    const cluster = await start()
    const client = clientOf(cluster, { failFast: true })
    await cluster.close()
    await expect(client.put('a', '1')).rejects.toMatchObject({
      kind: 'Unavailable',
      message: expect.stringContaining('connection refused'),
    })
  })

  it('goes on when a replica is lost and comes back', async () => {
    const cluster = await start()
    const client = clientOf(cluster)
    await client.put('a', '1')
    const node = cluster.node('n1')
    const port = Number(node.endpoint.split(':')[1])
    await node.close()
    await client.put('a', '2')
    await node.listen(port)
    cluster.node('n3').lie = 'silent'
    cluster.node('n4').lie = 'silent'
    // Only n1, come back, and n2 speak now.
    await client.put('a', '3')
    expect(text((await client.get('a'))?.value)).toBe('3')
  })

  it('asks under a key that the cluster does not know: refused, with the reason', async () => {
    const cluster = await start({ clients: [signerOf(50)] })
    const known = clientOf(cluster, {
      pbft: { cluster: { clusterId: 'c', replicas: cluster.keys }, signer: signerOf(50) },
    })
    await known.put('a', '1')
    const stranger = clientOf(cluster)
    await expect(stranger.put('a', '2')).rejects.toMatchObject({ kind: 'NotPermitted' })
    expect(text((await known.get('a'))?.value)).toBe('1')
  })
})

describe('trust on first use', () => {
  it('takes the keys that Q endpoints agree on, and says so once', async () => {
    const cluster = await start()
    let said = 0
    const client = clientOf(cluster, { pbft: { onTrustOnFirstUse: () => void said++ } })
    cluster.node('n4').lie = 'wrong-keys-told'
    await client.put('a', '1')
    expect(text((await client.get('a'))?.value)).toBe('1')
    expect(said).toBe(1)
  })

  it('does not take those of fewer', async () => {
    const cluster = await start()
    for (const name of ['n3', 'n4']) cluster.node(name).lie = 'wrong-keys-told'
    const client = clientOf(cluster, { pbft: {} })
    await expect(client.put('a', '1')).rejects.toThrow('not enough of the endpoints agree')
    const alone = clientOf(cluster, { pbft: {}, endpoints: [cluster.node('n4').endpoint] })
    await expect(alone.get('a')).rejects.toThrow('--cluster-file')
  })

  it('a client given one node and the cluster file gets no lie from it', async () => {
    const cluster = await start()
    cluster.node('n4').lie = 'wrong-result'
    const endpoints = [cluster.node('n4').endpoint]
    const client = clientOf(cluster, { endpoints, commandTimeoutMs: 500 })
    await expect(client.get('a')).rejects.toMatchObject({ kind: 'Unavailable' })
  })
})

describe("the replica's door", () => {
  it('refuses what is not signed, and a request that was changed on the way', async () => {
    const cluster = await start()
    const raft = new Client({ endpoints: cluster.endpoints, commandTimeoutMs: 1_000 })
    closing.push(raft)
    await expect(raft.put('a', '1')).rejects.toThrow("needs its client's signature")
    const { signed } = cluster.nodes[0]!
    const request = { session: 0, seq: 3, ackedThrough: 0, command: new Uint8Array(0) }
    const [good] = signRequests({ suite: nodeSuite, signer: signerOf(60), clusterId: 'c' }, [
      request,
    ])
    expect(signed.refusal(good!)).toBeNull()
    expect(signed.refusal({ ...good!, seq: 4 })).toContain('not good')
  })

  it("never takes another's request under the same number for the one that was asked", async () => {
    const cluster = await start()
    const { signed, machine } = cluster.nodes[0]!
    const voiceOf = (n: number) => ({ suite: nodeSuite, signer: signerOf(n), clusterId: 'c' })
    const request = { session: 1, seq: 9, ackedThrough: 0, command: new Uint8Array(1) }
    const [alices] = signRequests(voiceOf(60), [request])
    const [bobs] = signRequests(voiceOf(61), [request])
    const heard: number[] = []
    const expected = signed.expect(alices!, ({ seq }) => heard.push(seq))
    signed.applied({ index: 1, time: 1, requests: [bobs!] }, [new Uint8Array(1)])
    await new Promise((done) => setImmediate(done))
    expect(heard).toEqual([])
    signed.applied({ index: 2, time: 1, requests: [alices!] }, [new Uint8Array(1)])
    expect(expected.callOff()).toBe(false)
    await new Promise((done) => setImmediate(done))
    expect(heard).toEqual([9])
    expect(machine.appliedIndex).toBe(0)
  })
})

async function until(condition: () => boolean): Promise<void> {
  const limit = Date.now() + 3_000
  while (!condition()) {
    if (Date.now() > limit) throw new Error('it did not happen in 3 s')
    await new Promise((done) => setTimeout(done, 5))
  }
}
