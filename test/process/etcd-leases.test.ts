/** Leases over real nodes: they expire where nobody does anything, and a change of leaders cuts none short. */
import { expect, it } from 'vitest'
import {
  LeaseGrantRequest,
  LeaseGrantResponse,
  LeaseTimeToLiveRequest,
  LeaseTimeToLiveResponse,
  PutRequest,
  RangeRequest,
  RangeResponse,
  type WatchResponse,
} from '../../src/gen/etcd/api/etcdserverpb/rpc.js'
import { connect } from '../../src/rpc/channel.js'
import { etcdKv, etcdLease, etcdWatch } from '../../src/rpc/etcd-services.js'
import type { Channel } from '../../src/rpc/types.js'
import { sharedCluster } from './support/shared.js'

const shared = sharedCluster()
const bytes = (text: string): Uint8Array => Buffer.from(text)
const TIMEOUT = { timeoutMs: 10_000 }

async function grant(channel: Channel, TTL: string): Promise<string> {
  const request = LeaseGrantRequest.encode({ TTL, ID: '0' }).finish()
  return LeaseGrantResponse.decode(await channel.unary(etcdLease.grant, request, TIMEOUT)).ID
}

async function put(channel: Channel, key: string, lease: string): Promise<void> {
  const flags = { prevKv: false, ignoreValue: false, ignoreLease: false }
  const message = { key: bytes(key), value: bytes('v'), lease, ...flags }
  await channel.unary(etcdKv.put, PutRequest.encode(message).finish(), TIMEOUT)
}

async function isThere(channel: Channel, key: string): Promise<boolean> {
  const request = { ...RangeRequest.decode(new Uint8Array(0)), key: bytes(key) }
  const answer = await channel.unary(etcdKv.range, RangeRequest.encode(request).finish(), TIMEOUT)
  return RangeResponse.decode(answer).count === 1
}

async function timeToLive(channel: Channel, ID: string): Promise<LeaseTimeToLiveResponse> {
  const request = LeaseTimeToLiveRequest.encode({ ID, keys: true }).finish()
  return LeaseTimeToLiveResponse.decode(await channel.unary(etcdLease.timeToLive, request, TIMEOUT))
}

/** When a key is deleted. */
async function deletion(channel: Channel, key: string): Promise<{ deleted: Promise<number> }> {
  const stream = channel.stream(etcdWatch.watch)
  let created: () => void = () => {}
  let gone: (at: number) => void = () => {}
  const isCreated = new Promise<void>((resolve) => {
    created = resolve
  })
  const deleted = new Promise<number>((resolve) => {
    gone = resolve
  })
  stream.onMessage((response: WatchResponse) => {
    if (response.created) created()
    if (response.events.some((event) => event.type === 1)) {
      gone(performance.now())
      stream.cancel()
    }
  })
  const flags = { progressNotify: false, prevKv: false, fragment: false, watchId: 0, filters: [] }
  const range = { key: bytes(key), rangeEnd: new Uint8Array(0), startRevision: 0 }
  stream.write({ requestUnion: { $case: 'createRequest', value: { ...range, ...flags } } })
  await isCreated
  return { deleted }
}

it('a lease of an idle cluster expires in time, and one that is kept alive does not', async () => {
  const { cluster } = shared
  const leader = await cluster.leader()
  const follower = cluster.seats.map((seat) => seat.name).find((name) => name !== leader)!
  const channel = connect(cluster.endpoint(follower))
  try {
    const kept = await grant(channel, '2')
    await put(channel, 'kept', kept)
    const stream = channel.stream(etcdLease.keepAlive)
    const ttls: number[] = []
    stream.onMessage(({ TTL }) => ttls.push(TTL))
    const keeping = setInterval(() => stream.write({ ID: kept }), 500)
    const lease = await grant(channel, '2')
    const grantedBy = performance.now()
    await put(channel, 'lost', lease)
    expect(await timeToLive(channel, lease)).toMatchObject({ grantedTTL: 2, keys: [bytes('lost')] })
    const { deleted } = await deletion(channel, 'lost')
    const lived = (await deleted) - grantedBy
    expect(lived).toBeGreaterThan(1_900)
    expect(lived).toBeLessThan(4_000)
    expect(await isThere(channel, 'kept')).toBe(true)
    expect((await timeToLive(channel, lease)).TTL).toBe(-1)
    clearInterval(keeping)
    expect(new Set(ttls)).toEqual(new Set([2]))
    // Of one that is gone, the stream says so and stays open.
    stream.write({ ID: lease })
    await expect.poll(() => ttls.at(-1), { timeout: 5_000 }).toBe(0)
    stream.cancel()
  } finally {
    channel.close()
  }
})

it('the death of a leader cuts no lease short', async () => {
  const { cluster } = shared
  const leader = await cluster.leader()
  const follower = cluster.seats.map((seat) => seat.name).find((name) => name !== leader)!
  const channel = connect(cluster.endpoint(follower))
  try {
    const lease = await grant(channel, '3')
    const grantedAt = performance.now()
    await put(channel, 'k', lease)
    const { deleted } = await deletion(channel, 'k')
    await cluster.stopNode(leader, 'SIGKILL')
    const lived = (await deleted) - grantedAt
    expect(lived).toBeGreaterThan(2_900)
    expect(lived).toBeLessThan(12_000)
  } finally {
    channel.close()
  }
})
