/** A replica that was away for longer than the log reaches back gets the state, verified, while one source lies. */
import { expect, it } from 'vitest'
import type { StatusResponse } from '../../src/client/index.js'
import { TestCluster } from './support/cluster.js'

const OTHERS = ['n1', 'n2', 'n3']
const VALUE = 'x'.repeat(10_000)

function counterOf(status: StatusResponse | null, name: string): number {
  return status?.counters.find((one) => one.name === name)?.value ?? 0
}

/** Writes until each of these has a snapshot at or beyond the index. */
async function writeUntil(cluster: TestCluster, names: string[], index: number): Promise<void> {
  let key = -1
  await cluster.until(`snapshots at ${index} on ${names.join(', ')}`, async () => {
    // As many as the pipeline holds: nearly each has an index of its own.
    const asked = Array.from({ length: 8 }, () => {
      key++
      return cluster.client.put(`k${index}-${key}`, VALUE + index + key)
    })
    await Promise.all(asked)
    const all = await cluster.status(names)
    const ready = all.filter((one) => one.snapshotIndex >= index)
    return ready.length === names.length ? true : null
  })
}

it('a lagging node catches up by verified state transfer while one source lies and writes go on', async () => {
  const cluster = await TestCluster.start({
    nodes: 4,
    protocol: 'pbft',
    electionTimeoutMs: 2_000,
    extraFlags: ['--snapshot-count', '20'],
  })
  try {
    await writeUntil(cluster, ['n1', 'n2', 'n3', 'n4'], 20)
    await cluster.stopNode('n4', 'SIGKILL')
    await writeUntil(cluster, OTHERS, 100)

    // Of n1 it hears lies, of n2 and n3 nothing, until it has been lied to.
    await cluster.client.setByzantine(cluster.endpoint('n1'), ['wrong-parts'])
    for (const name of ['n2', 'n3'])
      await cluster.client.setPartition(cluster.endpoint(name), ['n4'])
    cluster.startNode('n4')
    await cluster.until('a lie that n4 has seen through', async () =>
      counterOf(await cluster.statusOf('n4'), 'state_lies_seen') > 0 ? true : null,
    )
    const [told] = await cluster.client.byzantine(cluster.endpoint('n1'))
    expect(told?.kind).toBe('wrong-parts')
    expect(told?.acted).toBeGreaterThan(0)
    const before = await cluster.statusOf('n4')
    expect(before?.snapshotIndex).toBeLessThan(100)

    // n1 goes on to lie.
    for (const name of ['n2', 'n3']) await cluster.client.setPartition(cluster.endpoint(name), [])
    for (let i = 0; i < 30; i++) await cluster.client.put(`meanwhile-${i}`, VALUE)
    await cluster.converged()
    const after = await cluster.statusOf('n4')
    expect(after?.snapshotIndex).toBeGreaterThanOrEqual(100)
    // What it had in its own file was not fetched again.
    expect(counterOf(after, 'state_parts_fetched')).toBeGreaterThan(0)
    expect(counterOf(after, 'state_parts_own')).toBeGreaterThan(0)

    // What was fetched is what it starts from.
    await cluster.stopNode('n4', 'SIGKILL')
    cluster.startNode('n4')
    await cluster.client.put('last', 'one')
    await cluster.converged()
    expect(await cluster.client.get('k20-0')).not.toBeNull()
  } finally {
    await cluster.close()
  }
}, 90_000)
