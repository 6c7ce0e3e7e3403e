/** What the simulator found, each by its story. */
import { describe, expect, it } from 'vitest'
import type { SnapshotVote, Statement } from '../../../../src/consensus/pbft/messages.js'
import { PbftCluster, signed } from '../../../support/pbft-cluster.js'

const vote = (sender: string, index: number) =>
  signed<SnapshotVote>({
    type: 'SnapshotVote',
    index,
    digest: '11'.repeat(32),
    bytes: 1,
    time: 1,
    history: '22'.repeat(32),
    sender,
  })

describe('found by the simulator', () => {
  it('who was cut off for long learns of a state to fetch, whatever old votes it holds', () => {
    const n1 = new PbftCluster(4).replica('n1')
    const hear = (sender: string, indices: readonly number[]) => {
      for (const index of indices)
        n1.step({ type: 'Receive', from: sender, message: vote(sender, index) })
    }
    // Of each another three, so that no two of them vouch for one state.
    hear('n2', [12, 24, 36])
    hear('n3', [48, 60, 72])
    hear('n2', [84])
    hear('n3', [84])
    n1.tick(30)
    expect(n1.notes).toContain('fetching-state')
    expect(n1.core.state.fetching?.proof[0]?.index).toBe(84)
  })

  it('when all lose power behind a snapshot whose checkpoint is stable nowhere, they go on', () => {
    const cluster = new PbftCluster(4, { snapshotIndices: 4 })
    const said = (message: { readonly type: Statement['type'] | string }) =>
      message.type === 'Checkpoint' || message.type === 'SnapshotVote'
    cluster.tamper = (flight) => (said(flight.message) ? [] : [flight])
    for (let i = 0; i < 8; i++) {
      cluster.ask(['n1'])
      cluster.settle()
    }
    // As far as the window goes.
    for (const { core } of cluster.replicas) {
      expect(core.state.stable.index).toBe(0)
      expect(core.state.snapshot?.index).toBe(8)
    }
    for (const replica of cluster.replicas) replica.crash()
    cluster.flights = []
    cluster.tamper = (flight) => [flight]
    for (const replica of cluster.replicas) replica.restart()
    const [request] = cluster.ask(['n1'])
    cluster.pass(80)
    expect(cluster.replica('n2').core.state.stable.index).toBeGreaterThanOrEqual(8)
    expect(cluster.timesExecuted(request!)).toBe(1)
  })
})
