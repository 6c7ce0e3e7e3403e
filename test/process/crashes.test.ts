import { cp, rename, rm } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { utf8Decode } from '../../src/base/utf8.js'
import { Client, ClientError } from '../../src/client/index.js'
import { TestCluster } from './support/cluster.js'
import { sharedCluster } from './support/shared.js'

const keyOf = (prefix: string, i: number) => `${prefix}${String(i).padStart(5, '0')}`

/** All keys of a prefix with their values, in the order in which they were written. */
async function written(
  client: Client,
  prefix: string,
): Promise<{ key: string; value: string; version: number }[]> {
  const { kvs } = await client.range(prefix, { prefix: true, timeoutMs: 10_000 })
  return kvs
    .sort((a, b) => a.modRevision - b.modRevision)
    .map((kv) => ({ key: utf8Decode(kv.key), value: utf8Decode(kv.value), version: kv.version }))
}

describe('of three', () => {
  const shared = sharedCluster()

  it('keeps 1,000 acknowledged writes, once and in order, over three kills of the leader', async () => {
    const { cluster } = shared
    const client = new Client({ endpoints: cluster.endpoints, commandTimeoutMs: 15_000 })
    try {
      const unknown = new Set<number>()
      const acknowledged: number[] = []
      for (let i = 0; i < 1_000; i++) {
        if (i === 250 || i === 500 || i === 750) {
          const leader = await cluster.leader()
          await cluster.stopNode(leader, 'SIGKILL')
          cluster.startNode(leader)
        }
        try {
          await client.put(keyOf('kills/', i), String(i))
          acknowledged.push(i)
        } catch (error) {
          if (!(error instanceof ClientError) || error.kind !== 'Indeterminate') throw error
          unknown.add(i)
        }
      }
      await cluster.converged()
      const found = await written(client, 'kills/')
      const order = found.map((one) => Number(one.key.slice(6)))
      expect(order).toEqual([...order].sort((a, b) => a - b))
      expect(
        found.every((one) => one.version === 1 && Number(one.value) === Number(one.key.slice(6))),
      ).toBe(true)
      const missing = acknowledged.filter((i) => !order.includes(i))
      expect(missing).toEqual([])
      expect(order.filter((i) => !unknown.has(i))).toEqual(acknowledged)
    } finally {
      client.close()
    }
  })

  it('loses nothing acknowledged when the whole cluster is killed at once under load', async () => {
    const { cluster } = shared
    const client = new Client({ endpoints: cluster.endpoints, transport: 'stream' })
    try {
      const acknowledged = new Set<number>()
      let next = 0
      let stop = false
      const writers = Array.from({ length: 32 }, async () => {
        while (!stop) {
          const i = next++
          try {
            await client.put(keyOf('death/', i), String(i))
            acknowledged.add(i)
          } catch (error) {
            if (!(error instanceof ClientError)) throw error
          }
        }
      })
      await cluster.until('500 acknowledged writes', async () =>
        acknowledged.size > 500 ? true : null,
      )
      await Promise.all(cluster.seats.map((seat) => cluster.stopNode(seat.name, 'SIGKILL')))
      stop = true
      await Promise.all(writers)
      for (const seat of cluster.seats) cluster.startNode(seat.name)
      await cluster.leader()
      await cluster.converged()
      const found = new Map((await written(cluster.client, 'death/')).map((one) => [one.key, one]))
      for (const i of acknowledged) expect(found.get(keyOf('death/', i))?.value).toBe(String(i))
      expect([...found.values()].every((one) => one.version === 1)).toBe(true)
    } finally {
      client.close()
    }
  })

  it('refuses a member whose data directory was wiped, and says what to do', async () => {
    const { cluster } = shared
    await cluster.client.put('key-00001', '1')
    await cluster.stopNode('n3', 'SIGKILL')
    const { dataDir } = cluster.seat('n3')
    await rename(dataDir, `${dataDir}.away`)
    cluster.startNode('n3')
    expect(await cluster.exit('n3')).toBe(7)
    expect(cluster.seat('n3').log).toContain('wiped')
    expect(await cluster.client.get('key-00001')).not.toBeNull()
    await rm(dataDir, { recursive: true, force: true })
    await rename(`${dataDir}.away`, dataDir)
  })

  it('refuses an old copy of a data directory that somebody saw in a later start', async () => {
    const { cluster } = shared
    const { dataDir } = cluster.seat('n3')
    await cluster.client.put('key-00002', '1')
    await cluster.stopNode('n3', 'SIGKILL')
    await cp(dataDir, `${dataDir}.copy`, { recursive: true })
    cluster.startNode('n3')
    await cluster.converged()
    await cluster.client.put('key-00002', '2')
    await cluster.stopNode('n3', 'SIGKILL')
    // Those who know must know it still after a restart of their own.
    await cluster.stopNode('n1', 'SIGKILL')
    await cluster.stopNode('n2', 'SIGKILL')
    await rm(dataDir, { recursive: true })
    await cp(`${dataDir}.copy`, dataDir, { recursive: true })
    for (const name of ['n1', 'n2', 'n3']) cluster.startNode(name)
    expect(await cluster.exit('n3')).toBe(7)
    expect(cluster.seat('n3').log).toContain('old copy')
    expect((await cluster.client.get('key-00002'))?.version).toBe(2)
  })
})

it('catches a lagging follower up by snapshot', async () => {
  const cluster = await TestCluster.start({ extraFlags: ['--snapshot-count', '200'] })
  try {
    const leader = await cluster.leader()
    const lagging = cluster.seats.find((seat) => seat.name !== leader)!.name
    await cluster.stopNode(lagging, 'SIGKILL')
    for (let i = 0; i < 900; i++) await cluster.client.put(keyOf('', i), String(i))
    const before = await cluster.until('a compacted log', async () => {
      const status = await cluster.statusOf(leader)
      return status !== null && status.firstIndex > 300 ? status : null
    })
    cluster.startNode(lagging)
    await cluster.converged()
    const after = await cluster.statusOf(lagging)
    expect(after?.snapshotIndex).toBeGreaterThanOrEqual(before.firstIndex - 1)
    expect(after?.stateHash).toBe((await cluster.statusOf(leader))?.stateHash)
  } finally {
    await cluster.close()
  }
})
