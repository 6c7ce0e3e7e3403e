import { describe, expect, it } from 'vitest'
import type { Options } from '../../../../src/consensus/pbft/index.js'
import { PbftCluster } from '../../../support/pbft-cluster.js'

/** n4 heard nothing of 60 batches. */
function lagging(): PbftCluster {
  const cluster = new PbftCluster(4, {
    checkpointInterval: 32,
    windowIndices: 64,
    snapshotIndices: 1_000,
    catchUpBatchesMax: 8,
    requestTicks: 1_000,
  })
  cluster.isolate('n4')
  for (let i = 0; i < 60; i++) {
    cluster.ask(['n1'])
    cluster.settle()
  }
  cluster.heal()
  return cluster
}

describe('catching up', () => {
  it('a replica that is behind asks for more as soon as it has what it asked for', () => {
    const cluster = lagging()
    // One Status; eight batches answer it.
    cluster.pass(5)
    expect(cluster.replica('n4').core.state.lastExecuted).toBe(60)
  })

  it('20, 23: a batch that comes with the commits of another is not executed', () => {
    const cluster = new PbftCluster(4)
    cluster.isolate('n4')
    cluster.ask(['n1'])
    cluster.settle()
    const slot = cluster.replica('n1').core.state.slots.get(1)
    const commits = slot?.committed ?? []
    expect(commits).toHaveLength(3)
    const n4 = cluster.replica('n4')
    const batch = { time: 5, requests: [cluster.request()] }
    n4.step({ type: 'Receive', from: 'n3', message: { type: 'CommittedBatch', commits, batch } })
    expect(n4.core.state.lastExecuted).toBe(0)
    const good = [...(slot?.batches.values() ?? [])][0] ?? null
    n4.step({
      type: 'Receive',
      from: 'n3',
      message: { type: 'CommittedBatch', commits, batch: good },
    })
    expect(n4.core.state.lastExecuted).toBe(1)
  })

  it('a batch that nobody asked for is not even hashed', () => {
    let hashed = 0
    class Counting extends PbftCluster {
      override optionsOf(id: string): Options {
        const of = super.optionsOf(id)
        const digest = (bytes: Uint8Array) => {
          hashed++
          return of.crypto.digest(bytes)
        }
        return { ...of, crypto: { ...of.crypto, digest } }
      }
    }
    const cluster = new Counting(4)
    cluster.ask(['n1'])
    cluster.settle()
    const n4 = cluster.replica('n4')
    const before = hashed
    for (const index of [1, 2]) {
      const message = { type: 'FetchedBatch', index, batch: { time: 1, requests: [] } } as const
      n4.step({ type: 'Receive', from: 'n3', message })
    }
    expect(hashed).toBe(before)
  })

  it('29: whoever asks without end is given a window of batches a tick', () => {
    const cluster = lagging()
    const n1 = cluster.replica('n1')
    const { stable } = n1.core.state
    for (let i = 0; i < 1_000; i++) {
      const message = { type: 'Status', view: 0, active: true, stable: 0, executed: 0 } as const
      n1.step({ type: 'Receive', from: 'n4', message })
    }
    const digest = n1.core.state.slots.get(50)?.proposed?.digest ?? ''
    for (let i = 0; i < 1_000; i++)
      n1.step({ type: 'Receive', from: 'n4', message: { type: 'FetchBatch', index: 50, digest } })
    const given = cluster.flights.filter(({ message }) => /Batch$/.test(message.type))
    expect(given.length).toBe(64)
    expect(cluster.flights.length).toBeLessThan(64 + 20)
    expect(n1.notes).toContain('asks-too-much')
    expect(stable.index).toBe(32)
    // The next tick another window.
    cluster.flights = []
    n1.tick()
    n1.step({ type: 'Receive', from: 'n4', message: { type: 'FetchBatch', index: 50, digest } })
    expect(cluster.flights.some(({ message }) => message.type === 'FetchedBatch')).toBe(true)
  })
})
