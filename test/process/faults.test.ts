/** SetFaults on real processes: what the links do, the commands survive. */
import { describe, expect, it } from 'vitest'
import type { TargetFaults } from '../../src/client/index.js'
import { quorate, TestCluster } from './support/cluster.js'
import { sharedCluster } from './support/shared.js'

const BAD_LINKS: TargetFaults = {
  nodeId: '',
  loss: 0.1,
  duplication: 0.3,
  reorder: 0.3,
  delayMinMs: 0,
  delayMaxMs: 15,
}

describe('bad links', () => {
  const shared = sharedCluster()

  it('over links that lose, delay, repeat and reorder, every command is executed once', async () => {
    const { cluster } = shared
    for (const seat of cluster.seats)
      await cluster.client.setFaults(cluster.endpoint(seat.name), [BAD_LINKS])
    expect((await cluster.status()).map((status) => status.faults)).toEqual([
      [BAD_LINKS],
      [BAD_LINKS],
      [BAD_LINKS],
    ])
    for (let i = 0; i < 100; i++) await cluster.client.put('k', `${i}`)
    for (const kind of ['peer_dropped_lost', 'peer_duplicated', 'peer_delayed']) {
      const counts = (await cluster.status()).map(
        (status) => status.counters.find(({ name }) => name === kind)?.value ?? 0,
      )
      expect(Math.max(...counts), kind).toBeGreaterThan(0)
    }
    for (const seat of cluster.seats)
      await cluster.client.setFaults(cluster.endpoint(seat.name), [])
    await cluster.converged()
    const value = await cluster.client.get('k')
    expect(Buffer.from(value!.value).toString()).toBe('99')
    expect(value!.version).toBe(100)
  })

  it('a leader that loses whatever it sends is replaced; the faults end by their time to live', async () => {
    const { cluster } = shared
    await cluster.client.put('x', 'before')
    const old = await cluster.leader()
    const rest = cluster.seats.map((seat) => seat.name).filter((name) => name !== old)
    const lose = ['network', old, '--to', rest.join(','), '--loss', '1']
    const fault = (...args: string[]) =>
      quorate(['fault', ...args, '--endpoints', cluster.endpoints.join(',')])
    const set = await fault(...lose)
    expect(set).toMatchObject({ code: 0, stdout: expect.stringContaining(`${old}: to`) })
    await cluster.until('a successor', async () => {
      const all = await cluster.status(rest)
      return all.find((one) => one.role === 'leader')?.name ?? null
    })
    expect((await cluster.statusOf(old))?.faults.map((one) => one.nodeId)).toEqual(rest)
    await cluster.client.put('x', 'after')
    expect((await fault(...lose, '--ttl', '500ms')).code).toBe(0)
    await cluster.until('the end of the faults', async () => {
      const status = await cluster.statusOf(old)
      return status !== null && status.faults.length === 0 ? true : null
    })
    await cluster.converged()
  })
})

it('a node that was not started for it offers none', async () => {
  const cluster = await TestCluster.start({ nodes: 1, faultInjection: false })
  try {
    const endpoint = cluster.endpoint('n1')
    await expect(cluster.client.setFaults(endpoint, [])).rejects.toThrow(
      expect.objectContaining({ kind: 'NotPermitted' }),
    )
    await expect(cluster.client.setPartition(endpoint, [])).rejects.toThrow(
      expect.objectContaining({ kind: 'NotPermitted' }),
    )
  } finally {
    await cluster.close()
  }
})
