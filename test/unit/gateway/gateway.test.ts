/** A whole gateway over replicas of which some lie: etcd's clients are told what is so, or that nobody knows. */
import { get } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { utf8Decode } from '../../../src/base/utf8.js'
import { compare, EtcdClient, op } from '../../../src/client/index.js'
import { nodeSuite } from '../../../src/crypto/node.js'
import type { GatewayConfig } from '../../../src/gateway/config.js'
import { Gateway } from '../../../src/gateway/gateway.js'
import { connect } from '../../../src/rpc/channel.js'
import { etcdKv } from '../../../src/rpc/etcd-services.js'
import { quorate } from '../../../src/rpc/services.js'
import { FakePbft } from '../client/fake-pbft.js'
import { b, put } from '../machine/helpers.js'
import { refusal } from '../server/etcd/member.js'

const signer = nodeSuite.signer(new Uint8Array(32).fill(50))
const cleanUp: (() => unknown)[] = []
afterEach(async () => {
  for (const one of cleanUp.splice(0).reverse()) await one()
})

async function startCluster(options: Parameters<typeof FakePbft.start>[0] = {}): Promise<FakePbft> {
  const cluster = await FakePbft.start(options)
  cleanUp.push(() => cluster.close())
  return cluster
}

async function startGateway(
  cluster: FakePbft,
  more: Partial<GatewayConfig> = {},
): Promise<{ gateway: Gateway; client: EtcdClient }> {
  const gateway = await Gateway.start({
    listen: { host: '127.0.0.1', port: 0 },
    cluster: {
      clusterId: 'c',
      token: 't',
      replicas: cluster.keys,
      clients: [],
      allowAnonymousClients: true,
      endpoints: new Map(),
    },
    endpoints: cluster.endpoints,
    signer,
    http: { hosts: [], origins: [] },
    commandTimeoutMs: 5_000,
    dialTimeoutMs: 2_000,
    watchMs: 10,
    ...more,
  })
  cleanUp.push(() => gateway.close())
  const client = new EtcdClient({ endpoints: [gateway.endpoint], attemptTimeoutMs: 5_000 })
  cleanUp.push(() => client.close())
  return { gateway, client }
}

const page = (gateway: Gateway, path: string): Promise<string> =>
  new Promise((done, fail) => {
    get(`http://${gateway.endpoint}${path}`, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString()
      })
      response.on('end', () => done(text))
    }).on('error', fail)
  })

describe.each(['none', 'wrong-result', 'silent', 'impersonates', 'drops', 'wrong-key'] as const)(
  'where a replica lies: %s',
  (lie) => {
    it('keys, transactions, watches, leases and locks are as f+1 say', async () => {
      const cluster = await startCluster()
      cluster.node('n3').lie = lie
      const { client } = await startGateway(cluster)
      await client.put('a', '1')
      const watch = client.watch('a', { prevKv: true })
      expect(await watch.created).toBe(2)
      await client.put('a', '2')
      const { value: batch } = await watch.next()
      expect(
        batch?.events.map(({ kv, prevKv }) => [utf8Decode(kv.value), utf8Decode(prevKv!.value)]),
      ).toEqual([['2', '1']])
      expect(utf8Decode((await client.get('a'))!.value)).toBe('2')
      // Of one replica's store, elsewhere; here as ordered as any.
      expect(utf8Decode((await client.get('a', { serializable: true }))!.value)).toBe('2')
      const changed = await client
        .txn()
        .if(compare.value('a', '=', '2'))
        .success(op.put('a', '3'))
        .commit()
      expect(changed.succeeded).toBe(true)
      expect(
        (await client.watch('a', { startRevision: 2 }).next()).value?.events.length,
      ).toBeGreaterThan(1)
      const lock = await client.lock('l')
      const second = client.lock('l')
      await lock.release()
      await (await second).release()
      await client.compact(4)
      await expect(client.watch('a', { startRevision: 2 }).next()).rejects.toThrow('compacted')
      const { kvs } = await client.range('', { prefix: true })
      expect(kvs.map(({ key }) => utf8Decode(key))).toEqual(['a'])
    })
  },
)

describe('a gateway', () => {
  it('is a cluster of one, so that nobody goes around it', async () => {
    const cluster = await startCluster()
    const { gateway, client } = await startGateway(cluster)
    await client.put('a', '1')
    const { members } = await client.memberList({ linearizable: true })
    expect(members.map(({ clientURLs }) => clientURLs)).toEqual([[`http://${gateway.endpoint}`]])
    const status = await client.status(gateway.endpoint)
    expect(status).toMatchObject({ leader: members[0]!.ID, errors: [], raftTerm: 0 })
    expect(status.header?.revision).toBe(2)
    await expect(client.hashKv(gateway.endpoint)).rejects.toThrow('no store to hash')
  })

  it('tells who asks with the quorate client where to go', async () => {
    const { gateway } = await startGateway(await startCluster())
    const channel = connect(gateway.endpoint)
    cleanUp.push(() => channel.close())
    expect(await refusal(channel.unary(quorate.status, {}))).toMatch(/^12 this is a gateway/)
  })

  it('has the pages that probes look at, and counts', async () => {
    const { gateway, client } = await startGateway(await startCluster())
    await client.put('a', '1')
    expect(await page(gateway, '/health')).toBe('{"health":"true","reason":""}')
    expect(await page(gateway, '/version')).toContain('etcdserver')
    const metrics = await page(gateway, '/metrics')
    expect(metrics).toContain('etcd_server_has_leader 1\n')
    expect(metrics).toMatch(/quorate_signatures_verified_total [1-9]/)
  })

  it('says that it is not ready while the replicas are away, and serves once they are there', async () => {
    const cluster = await startCluster()
    const ports = cluster.endpoints.map((endpoint) => Number(endpoint.split(':')[1]))
    await cluster.close()
    const { gateway } = await startGateway(cluster, { commandTimeoutMs: 1_000 })
    expect(gateway.notReady()).toContain('no answer that 2 replicas agree on')
    const channel = connect(gateway.endpoint)
    cleanUp.push(() => channel.close())
    const asked = () => channel.unary(etcdKv.put, bytesOf('a'))
    expect(await refusal(asked())).toBe('14 etcdserver: request timed out')
    expect(gateway.notReady()).toContain(cluster.endpoints[0])
    const watching = await refusal(channel.unary(etcdKv.range, bytesOf('a')))
    expect(watching).toBe('14 etcdserver: request timed out')
    await Promise.all(cluster.nodes.map((node, i) => node.listen(ports[i])))
    const end = performance.now() + 30_000
    while ((await refusal(asked())) !== 'null' && performance.now() < end);
    expect(gateway.notReady()).toBe(null)
  })

  it('whose key the replicas do not know is told so', async () => {
    const cluster = await startCluster({ clients: [nodeSuite.signer(new Uint8Array(32).fill(51))] })
    const { gateway } = await startGateway(cluster)
    const channel = connect(gateway.endpoint)
    cleanUp.push(() => channel.close())
    const refused = await refusal(channel.unary(etcdKv.put, bytesOf('a')))
    expect(refused).toMatch(
      /^(7 etcdserver: permission denied|3 quorate: the signature is not good)/,
    )
    expect(gateway.notReady()).toMatch(/key|signature/)
  })

  it('of a cluster that runs Raft does not start, and says what to do', async () => {
    const cluster = await startCluster()
    for (const node of cluster.nodes) {
      const told = node.status()
      node.status = () => ({ ...told, protocol: 'raft' })
    }
    const started = startGateway(cluster)
    await expect(started).rejects.toThrow(/run Raft.*point the client at them/)
    await expect(started).rejects.toMatchObject({ exitCode: 2 })
    // One that says so alone is not believed.
    const other = await startCluster()
    const told = other.node('n1').status()
    other.node('n1').status = () => ({ ...told, protocol: 'raft' })
    await (await startGateway(other)).client.put('a', '1')
  })

  it('executes once, and leaves nothing of its reads in the store', async () => {
    const cluster = await startCluster()
    const { client } = await startGateway(cluster)
    await Promise.all(Array.from({ length: 50 }, (_, i) => client.put(`k${i}`, 'v')))
    await Promise.all(Array.from({ length: 50 }, (_, i) => client.get(`k${i}`)))
    const { kvs, header } = await client.range('k', { prefix: true })
    expect(kvs.map(({ version }) => version)).toEqual(Array(50).fill(1))
    expect(header?.revision).toBe(51)
    const hashes = new Set(cluster.nodes.map(({ machine }) => machine.hash()))
    expect(hashes.size).toBe(1)
  })
})

function bytesOf(key: string): Uint8Array {
  const request = put({ key })
  return Uint8Array.of(0x0a, request.key.length, ...b(key))
}
