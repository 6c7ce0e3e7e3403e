/** What the fault-injection service takes and what it refuses, asked over gRPC. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Client, ClientError, type TargetFaults } from '../../../src/client/index.js'
import { FakeCluster } from '../client/fake-cluster.js'

let cluster: FakeCluster
let client: Client

beforeEach(async () => {
  cluster = await FakeCluster.start(3)
  client = new Client({ endpoints: cluster.endpoints })
})
afterEach(async () => {
  client.close()
  await cluster.close()
})

const SANE: TargetFaults = {
  nodeId: 'n2',
  loss: 0.5,
  duplication: 0,
  reorder: 1,
  delayMinMs: 0,
  delayMaxMs: 60_000,
}
const endpoint = () => cluster.node('n1').endpoint
const set = (targets: TargetFaults[], ttlMs = 0) => client.setFaults(endpoint(), targets, { ttlMs })

describe('SetFaults', () => {
  test('replaces all of them, and an empty list clears', async () => {
    await set([SANE, { ...SANE, nodeId: '' }], 5_000)
    expect(cluster.node('n1').targets).toEqual([SANE, { ...SANE, nodeId: '' }])
    expect(cluster.node('n1').faultsTtlMs).toBe(5_000)
    expect((await client.status(endpoint())).faults).toHaveLength(2)
    await set([{ ...SANE, nodeId: 'n3' }])
    expect(cluster.node('n1').targets).toEqual([{ ...SANE, nodeId: 'n3' }])
    expect(cluster.node('n1').faultsTtlMs).toBe(0)
    await set([])
    expect(cluster.node('n1').targets).toEqual([])
  })

  test.each<[string, Partial<TargetFaults>]>([
    ['faults towards "n2": loss is not between 0 and 1', { loss: 1.01 }],
    ['faults towards "n2": loss is not between 0 and 1', { loss: Number.NaN }],
    ['faults towards "n2": duplication is not between 0 and 1', { duplication: -0.01 }],
    ['faults towards "n2": reorder is not between 0 and 1', { reorder: Infinity }],
    ['faults towards "n2": delayMinMs is negative', { delayMinMs: -1 }],
    ['faults towards "n2": delayMaxMs is above 60000', { delayMaxMs: 60_001 }],
    ['faults towards "n2": delayMinMs is above delayMaxMs', { delayMinMs: 5, delayMaxMs: 4 }],
    ['faults towards every peer: loss is not between 0 and 1', { nodeId: '', loss: 2 }],
    ['no member of this cluster: "n9"', { nodeId: 'n9' }],
  ])('refuses and says %s', async (text, wrong) => {
    await set([{ ...SANE, nodeId: 'n3' }])
    const error: unknown = await set([{ ...SANE, ...wrong }]).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ClientError)
    expect(error).toMatchObject({ kind: 'InvalidRequest', code: 3 })
    expect(String(error)).toContain(text)
    // What was set before stays whole.
    expect(cluster.node('n1').targets).toEqual([{ ...SANE, nodeId: 'n3' }])
  })

  test('refuses a target that is named twice, and a time to live beyond a day', async () => {
    await expect(set([SANE, SANE])).rejects.toThrow('"n2" is a target twice')
    await expect(set([SANE], 86_400_001)).rejects.toThrow('ttl_ms')
    await expect(client.setPartition(endpoint(), ['n2'], { ttlMs: 1e12 })).rejects.toThrow('ttl_ms')
    expect(cluster.node('n1').targets).toEqual([])
    expect(cluster.node('n1').blocked).toEqual([])
  })
})

describe('SetByzantine', () => {
  test('replaces what the node does against the rules, and refuses what it does not know', async () => {
    await client.setByzantine(endpoint(), ['wrong-parts'])
    expect(await client.byzantine(endpoint())).toEqual([{ kind: 'wrong-parts', acted: 1 }])
    const error: unknown = await client
      .setByzantine(endpoint(), ['wrong-parts', 'steals'])
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ kind: 'InvalidRequest', code: 3 })
    expect(String(error)).toContain('"steals" is nothing that this node does')
    expect(await client.byzantine(endpoint())).toHaveLength(1)
    await client.setByzantine(endpoint(), [])
    expect(await client.byzantine(endpoint())).toEqual([])
  })
})
