import { expect, it } from 'vitest'
import { Client, ClientError } from '../../src/client/index.js'
import type { TestCluster } from './support/cluster.js'
import { sharedCluster } from './support/shared.js'

const shared = sharedCluster()

/** Every other node's traffic to `name` and back is dropped. */
async function isolate(cluster: TestCluster, name: string): Promise<void> {
  const others = cluster.seats.map((seat) => seat.name).filter((other) => other !== name)
  for (const other of others) await cluster.client.setPartition(cluster.endpoint(other), [name])
  await cluster.client.setPartition(cluster.endpoint(name), others)
}

async function heal(cluster: TestCluster): Promise<void> {
  for (const seat of cluster.seats)
    await cluster.client.setPartition(cluster.endpoint(seat.name), [])
}

it('a leader that is cut off stops acknowledging, and its tail is gone after the heal', async () => {
  const { cluster } = shared
  const others: Client[] = []
  try {
    await cluster.client.put('x', 'before')
    const old = await cluster.leader()
    const majority = cluster.seats.map((seat) => seat.name).filter((name) => name !== old)
    const minority = new Client({ endpoints: [cluster.endpoint(old)], commandTimeoutMs: 3_000 })
    others.push(minority)
    await minority.put('warm', 'session') // so that the session is there when the cut comes
    await isolate(cluster, old)
    const lost = minority.put('x', 'lost').then(
      () => 'acknowledged',
      (error: unknown) => (error instanceof ClientError ? error.kind : String(error)),
    )
    const successor = await cluster.until('a successor', async () => {
      const all = await cluster.status(majority)
      return all.find((one) => one.role === 'leader')?.name ?? null
    })
    expect(successor).not.toBe(old)
    const client = new Client({
      endpoints: majority.map((name) => cluster.endpoint(name)),
      commandTimeoutMs: 10_000,
    })
    others.push(client)
    await client.put('x', 'after')
    expect(await lost).toBe('Indeterminate')
    await cluster.until('the old leader stepping down', async () => {
      const status = await cluster.statusOf(old)
      return status !== null && status.role !== 'leader' ? true : null
    })
    await heal(cluster)
    await cluster.converged()
    const value = await cluster.client.get('x')
    expect(Buffer.from(value!.value).toString()).toBe('after')
    expect(value!.version).toBe(2)
  } finally {
    for (const client of others) client.close()
  }
})

it('a follower that hears but cannot speak neither disturbs the leader nor is counted', async () => {
  const { cluster } = shared
  const leader = await cluster.leader()
  const before = await cluster.statusOf(leader)
  const mute = cluster.seats.map((seat) => seat.name).find((name) => name !== leader)!
  const rest = cluster.seats.map((seat) => seat.name).filter((name) => name !== mute)
  // Of one that has not answered yet nobody knows where to begin, and it is sent nothing.
  await cluster.until(`${leader} knowing how far ${mute} is`, async () => {
    const status = await cluster.statusOf(leader)
    const match = status?.peers.find((peer) => peer.name === mute)?.matchIndex
    return status !== null && match === status.lastIndex ? true : null
  })
  await cluster.client.setPartition(cluster.endpoint(mute), rest)
  for (let i = 0; i < 50; i++) await cluster.client.put(`k${i}`, 'v')
  const after = await cluster.statusOf(leader)
  expect(after?.role).toBe('leader')
  expect(after?.term).toBe(before?.term)
  // One-way: it hears everything, and nobody hears it.
  await cluster.until('the mute node following', async () => {
    const status = await cluster.statusOf(mute)
    return status !== null && status.appliedIndex >= after!.commitIndex ? true : null
  })
  const match = after?.peers.find((peer) => peer.name === mute)?.matchIndex ?? 0
  expect(match).toBeLessThan(after!.commitIndex)
  await heal(cluster)
  await cluster.converged()
})

it('a leader that nobody hears is replaced, and follows after the heal', async () => {
  const { cluster } = shared
  const old = await cluster.leader()
  const rest = cluster.seats.map((seat) => seat.name).filter((name) => name !== old)
  await cluster.client.setPartition(cluster.endpoint(old), rest)
  await cluster.until('a successor', async () => {
    const all = await cluster.status(rest)
    return all.find((one) => one.role === 'leader')?.name ?? null
  })
  await cluster.client.put('y', 'after')
  await heal(cluster)
  await cluster.converged()
  expect((await cluster.statusOf(old))?.role).toBe('follower')
})

it('a stopped leader that wakes up again answers with the new value or an error, never the old', async () => {
  const { cluster } = shared
  const others: Client[] = []
  try {
    await cluster.client.put('z', 'old')
    const old = await cluster.leader()
    const rest = cluster.seats.map((seat) => seat.name).filter((name) => name !== old)
    cluster.signal(old, 'SIGSTOP')
    const successor = new Client({
      endpoints: rest.map((name) => cluster.endpoint(name)),
      commandTimeoutMs: 10_000,
    })
    others.push(successor)
    await successor.put('z', 'new')
    const asleep = new Client({ endpoints: [cluster.endpoint(old)], commandTimeoutMs: 5_000 })
    others.push(asleep)
    const reads = Array.from({ length: 20 }, () => asleep.get('z').catch(() => null))
    cluster.signal(old, 'SIGCONT')
    for (const read of await Promise.all(reads))
      if (read !== null) expect(Buffer.from(read.value).toString()).toBe('new')
    await cluster.converged()
  } finally {
    for (const client of others) client.close()
  }
})
