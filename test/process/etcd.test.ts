/** etcd's API over real nodes: any member takes any request, whoever leads. */
import { EventEmitter, once } from 'node:events'
import { expect, it } from 'vitest'
import {
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  TxnRequest,
  TxnResponse,
} from '../../src/gen/etcd/api/etcdserverpb/rpc.js'
import { connect } from '../../src/rpc/channel.js'
import { etcdCluster, etcdKv, etcdMaintenance, etcdWatch } from '../../src/rpc/etcd-services.js'
import { RpcError } from '../../src/rpc/status.js'
import type { Channel } from '../../src/rpc/types.js'
import { sharedCluster } from './support/shared.js'

const shared = sharedCluster()
const bytes = (text: string): Uint8Array => Buffer.from(text)
const TIMEOUT = { timeoutMs: 10_000 }

function put(key: string, value: string): Uint8Array {
  const flags = { prevKv: false, ignoreValue: false, ignoreLease: false }
  const message = { key: bytes(key), value: bytes(value), lease: '0', ...flags }
  return PutRequest.encode(message).finish()
}

function range(key: string, more: Partial<RangeRequest> = {}): Uint8Array {
  return RangeRequest.encode({
    ...RangeRequest.decode(new Uint8Array(0)),
    key: bytes(key),
    ...more,
  }).finish()
}

async function get(channel: Channel, key: string, more: Partial<RangeRequest> = {}) {
  return RangeResponse.decode(await channel.unary(etcdKv.range, range(key, more), TIMEOUT))
}

async function refusal(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  return error instanceof RpcError ? `${error.code} ${error.message}` : String(error)
}

it('every member takes writes and linearizable reads, and says who it is', async () => {
  const { cluster } = shared
  // The first of the file: nobody has written yet.
  const channels = cluster.endpoints.map((endpoint) => connect(endpoint))
  try {
    const metrics = await (await fetch(`http://${cluster.endpoints[0]}/metrics`)).text()
    expect(metrics).toMatch(
      /^etcd_network_active_peers\{Local="[0-9a-f]+",Remote="[0-9a-f]+"\} 1$/m,
    )
    expect(metrics).toMatch(/^etcd_network_peer_sent_bytes_total\{To="[0-9a-f]+"\} [1-9]/m)
    expect(metrics).toMatch(/^etcd_network_peer_received_bytes_total\{From="[0-9a-f]+"\} [1-9]/m)
    const members = new Set<string>()
    for (const [i, channel] of channels.entries()) {
      const { header } = PutResponse.decode(
        await channel.unary(etcdKv.put, put('k', `v${i}`), TIMEOUT),
      )
      expect(header?.revision).toBe(2 + i)
      members.add(header?.memberId ?? '')
      // Whoever is asked next, at once: it sees the write.
      const next = channels[(i + 1) % channels.length]!
      const read = await get(next, 'k')
      expect(Buffer.from(read.kvs[0]!.value).toString()).toBe(`v${i}`)
      expect(read.header).toMatchObject({ revision: 2 + i, clusterId: header?.clusterId })
      expect(read.header?.raftTerm).toBeGreaterThan(0)
    }
    expect(members.size).toBe(3)
    const deletion = { key: bytes('k'), rangeEnd: new Uint8Array(0), prevKv: false }
    const success = [{ request: { $case: 'requestDeleteRange' as const, value: deletion } }]
    const txn = TxnRequest.encode({ compare: [], success, failure: [] }).finish()
    const done = await channels[1]!.unary(etcdKv.txn, txn, TIMEOUT)
    expect(TxnResponse.decode(done)).toMatchObject({ succeeded: true, header: { revision: 5 } })
    expect((await get(channels[2]!, 'k')).count).toBe(0)

    const listed = await channels[0]!.unary(etcdCluster.memberList, { linearizable: true }, TIMEOUT)
    expect(listed.members.map((member) => member.name)).toEqual(['n1', 'n2', 'n3'])
    expect(new Set(listed.members.map((member) => member.ID))).toEqual(members)
    expect(listed.members.map((member) => member.clientURLs)).toEqual(
      cluster.endpoints.map((endpoint) => [`http://${endpoint}`]),
    )
    const hashes = new Set<number>()
    const leaders = new Set<string>()
    for (const channel of channels) {
      // A linearizable read first: then this member has applied all.
      await get(channel, 'k')
      hashes.add((await channel.unary(etcdMaintenance.hashKv, { revision: 5 }, TIMEOUT)).hash)
      leaders.add((await channel.unary(etcdMaintenance.status, {}, TIMEOUT)).leader)
    }
    expect(hashes.size).toBe(1)
    expect([...leaders]).toEqual([[...members][Number((await cluster.leader()).slice(1)) - 1]])
  } finally {
    for (const channel of channels) channel.close()
  }
})

it("says what is wrong in etcd's own words", async () => {
  const { cluster } = shared
  const names = cluster.seats.map((seat) => seat.name)
  const leader = await cluster.leader()
  const channel = connect(cluster.endpoint(leader))
  const follower = connect(cluster.endpoint(names.find((name) => name !== leader)!))
  try {
    await channel.unary(etcdKv.put, put('k', 'v'), TIMEOUT)
    const ask = (request: Uint8Array) => channel.unary(etcdKv.range, request, TIMEOUT)
    expect(await refusal(channel.unary(etcdKv.put, put('', 'v'), TIMEOUT))).toBe(
      '3 etcdserver: key is not provided',
    )
    expect(await refusal(ask(range('k', { revision: 9_999 })))).toBe(
      '11 etcdserver: mvcc: required revision is a future revision',
    )
    expect(await refusal(ask(Buffer.from('ff'.repeat(20), 'hex')))).toMatch(/^3 /)
    const move = (to: Channel, targetID: string) =>
      to.unary(etcdMaintenance.moveLeader, { targetID }, TIMEOUT)
    expect(await refusal(move(channel, '12345'))).toBe('9 etcdserver: bad leader transferee')
    expect(await refusal(move(follower, '12345'))).toBe('9 etcdserver: not leader')
    const itself = await channel.unary(etcdMaintenance.status, {}, TIMEOUT)
    await move(channel, itself.leader)
    expect(await refusal(channel.unary(etcdCluster.memberRemove, { ID: '1' }, TIMEOUT))).toBe(
      '5 etcdserver: member not found',
    )
  } finally {
    channel.close()
    follower.close()
  }
})

it('a follower executes what it was asked once, over the death of the leader', async () => {
  const { cluster } = shared
  const leader = await cluster.leader()
  const follower = cluster.seats.map((seat) => seat.name).find((name) => name !== leader)!
  const channel = connect(cluster.endpoint(follower))
  try {
    const before = (await get(channel, 'w')).header?.revision ?? 0
    const writes: Promise<Uint8Array>[] = []
    for (let i = 0; i < 200; i++)
      writes.push(channel.unary(etcdKv.put, put('once', `${i}`), TIMEOUT))
    await writes[0]
    await cluster.stopNode(leader, 'SIGKILL')
    for (let i = 200; i < 400; i++)
      writes.push(channel.unary(etcdKv.put, put('once', `${i}`), TIMEOUT))
    const answers = (await Promise.all(writes)).map((answer) => PutResponse.decode(answer))
    const revisions = answers.map((answer) => answer.header?.revision ?? 0)
    expect(new Set(revisions).size).toBe(400)
    const { kvs, header } = await get(channel, 'once')
    // As many versions as answers: nothing was done twice.
    expect(kvs[0]).toMatchObject({ version: 400 })
    expect(header?.revision).toBe(before + 400)
  } finally {
    channel.close()
  }
})

it('a watch is told of every change, in order and once, over the death of the leader', async () => {
  const { cluster } = shared
  const leader = await cluster.leader()
  const follower = cluster.seats.map((seat) => seat.name).find((name) => name !== leader)!
  const channel = connect(cluster.endpoint(follower))
  try {
    const { header } = PutResponse.decode(await channel.unary(etcdKv.put, put('w/0', '0'), TIMEOUT))
    const first = header?.revision ?? 0
    const told: number[] = []
    const ends = new EventEmitter()
    const stream = channel.stream(etcdWatch.watch)
    stream.onMessage((response) => {
      for (const event of response.events) told.push(event.kv?.modRevision ?? 0)
      ends.emit('told')
    })
    const flags = { progressNotify: false, prevKv: true, fragment: false, watchId: 0, filters: [] }
    const range = { key: bytes('w/'), rangeEnd: bytes('w0'), startRevision: first }
    const value = { ...range, ...flags }
    stream.write({ requestUnion: { $case: 'createRequest', value } })
    const writes: Promise<unknown>[] = []
    for (let i = 1; i < 100; i++) {
      writes.push(channel.unary(etcdKv.put, put(`w/${i}`, 'x'), TIMEOUT))
      if (i === 50) {
        await writes[10]
        await cluster.stopNode(leader, 'SIGKILL')
      }
    }
    await Promise.all(writes)
    while (told.length < 100) await once(ends, 'told', { signal: AbortSignal.timeout(10_000) })
    expect(told).toEqual(Array.from({ length: 100 }, (_, i) => first + i))
    stream.cancel()
  } finally {
    channel.close()
  }
})
