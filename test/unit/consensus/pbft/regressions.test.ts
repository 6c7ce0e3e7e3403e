/** What the simulator found, each by its story. */
import { describe, expect, it } from 'vitest'
import type { SnapshotVote, Statement } from '../../../../src/consensus/pbft/messages.js'
import { PbftCluster, signed, type TestReplica } from '../../../support/pbft-cluster.js'

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

  it('who is behind gets a state also where each of the others has a file of another index', () => {
    const cluster = new PbftCluster(4)
    const [n1, n2, n3, n4] = cluster.replicas as [
      TestReplica,
      TestReplica,
      TestReplica,
      TestReplica,
    ]
    cluster.isolate('n3')
    const ask = (times: number) => {
      for (let i = 0; i < times; i++) {
        cluster.ask(['n1'])
        cluster.settle()
      }
    }
    ask(20)
    n1.writesSnapshots = false
    ask(10)
    const files = () => [n1, n2, n3].map(({ core }) => core.state.snapshot?.index ?? 0)
    expect(files()).toEqual([16, 24, 0])
    // Whose votes were heard the start forgets; n4 stays away.
    for (const replica of [n1, n2, n4]) replica.crash()
    cluster.flights = []
    for (const replica of [n1, n2]) replica.restart()
    n1.writesSnapshots = true
    cluster.heal()
    const [request] = cluster.ask(['n1', 'n2', 'n3'])
    cluster.pass(79)
    expect(files()).toEqual([16, 24, 0])
    cluster.pass(120)
    expect(n3.notes).toContain('state-fetched')
    expect(n3.core.state.snapshot?.index).toBe(30)
    expect(cluster.timesExecuted(request!)).toBe(1)
  })

  it('who asks without need makes nobody write while something goes on, and then one file of each state', () => {
    const cluster = new PbftCluster(4)
    const n1 = cluster.replica('n1')
    const lies = (ticks: number, busy: boolean) => {
      for (let i = 0; i < ticks; i++) {
        const message = { type: 'Status', view: 0, active: true, stable: 0, executed: 0 } as const
        n1.step({ type: 'Receive', from: 'n4', message })
        if (busy && i % 40 === 0) cluster.ask(['n1'])
        cluster.pass(1)
      }
    }
    // Nobody vouches for what n1 has: no file of its is proven.
    cluster.tamper = (flight) => (flight.message.type === 'SnapshotVote' ? [] : [flight])
    for (let i = 0; i < 10; i++) {
      cluster.ask(['n1'])
      cluster.settle()
    }
    const written = () => n1.notes.filter((note) => note === 'asked-in-vain').length
    lies(400, true)
    expect(written()).toBe(0)
    lies(400, false)
    expect(written()).toBe(1)
    expect(n1.core.state.snapshot?.index).toBe(n1.core.state.lastExecuted)
  })

  it('who is up long before the others waits for them, and does not leave the view alone', () => {
    const cluster = new PbftCluster(4)
    cluster.tamper = (flight) => (flight.message.type === 'PrePrepare' ? [flight] : [])
    const [request] = cluster.ask(['n1'])
    cluster.settle()
    cluster.tamper = (flight) => [flight]
    for (const replica of cluster.replicas) replica.crash()
    const n2 = cluster.replica('n2')
    n2.restart()
    expect(n2.core.state.slots.get(1)?.executed).toBe(false)
    cluster.pass(60)
    for (const id of ['n1', 'n3', 'n4']) cluster.replica(id).restart()
    cluster.pass(30)
    expect(cluster.timesExecuted(request!)).toBe(1)
    for (const { core } of cluster.replicas)
      expect(core.state).toMatchObject({ view: 0, active: true, lastExecuted: 1 })
  })

  it('and f that stay silent keep nobody from losing patience after a start', () => {
    const cluster = new PbftCluster(4)
    const [request] = cluster.ask(['n1'])
    cluster.settle()
    for (const replica of cluster.replicas) replica.crash()
    for (const id of ['n2', 'n3', 'n4']) cluster.replica(id).restart()
    const [other] = cluster.ask(['n2', 'n3', 'n4'])
    cluster.pass(40)
    expect(cluster.timesExecuted(request!)).toBe(1)
    expect(cluster.timesExecuted(other!)).toBe(1)
    expect(cluster.replica('n2').core.state).toMatchObject({ view: 1, active: true })
  })
})
