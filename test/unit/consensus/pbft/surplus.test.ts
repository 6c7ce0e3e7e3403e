/** Votes that decide nothing: a host need not verify them, and must hand on all others. */
import { describe, expect, it } from 'vitest'
import type { NodeId } from '../../../../src/consensus/ids.js'
import type { Commit, Message, Prepare } from '../../../../src/consensus/pbft/messages.js'
import { surplusVote } from '../../../../src/consensus/pbft/surplus.js'
import { type Flight, PbftCluster, signed } from '../../../support/pbft-cluster.js'

const OTHER = 'cd'.repeat(32)

/** Those on their way that this replica would not look at. */
function surplusAt(cluster: PbftCluster, id: NodeId): Message[] {
  const { state } = cluster.replica(id).core
  return cluster.flights
    .filter(({ to, message }) => to === id && surplusVote(state, message) !== null)
    .map(({ message }) => message)
}

const votesFor = (cluster: PbftCluster, id: NodeId, type: Message['type']): Flight[] =>
  cluster.flights.filter(({ to, message }) => to === id && message.type === type)

/** Delivers all of a kind, to everybody. */
function deliver(cluster: PbftCluster, type: Message['type']): void {
  for (const flight of cluster.flights) if (flight.message.type === type) cluster.deliverOne(flight)
}

describe('a vote is surplus', () => {
  it('only once Q others are sure of the same, our own vote counted that waits for the disk', () => {
    const cluster = new PbftCluster(4, { autoSync: false })
    cluster.ask(['n1'])
    cluster.replica('n1').sync()
    deliver(cluster, 'PrePrepare')
    for (const id of ['n3', 'n4']) cluster.replica(id).sync()
    // n2 has the proposal and has said PREPARE, which is not on its disk: it needs one of these two.
    expect(surplusAt(cluster, 'n2')).toEqual([])
    const [first, second] = votesFor(cluster, 'n2', 'Prepare')
    cluster.deliverOne(first!)
    expect(surplusAt(cluster, 'n2')).toEqual([second?.message])
    // n1, whose proposal is its vote, needs both of those.
    const [one, two] = votesFor(cluster, 'n1', 'Prepare')
    cluster.deliverOne(one!)
    expect(surplusAt(cluster, 'n1')).toEqual([])
    cluster.deliverOne(two!)
    cluster.replica('n2').sync()
    expect(surplusAt(cluster, 'n1').map(({ type }) => type)).toEqual(['Prepare'])
    expect(cluster.replica('n2').core.state.slots.get(1)?.prepared).not.toBeNull()
  })

  it('one of each phase at every replica of four, and all is executed', () => {
    const cluster = new PbftCluster(4)
    for (let i = 0; i < 3; i++) {
      cluster.ask(['n1'])
      cluster.settle()
    }
    for (const { core } of cluster.replicas) expect(core.state.lastExecuted).toBe(3)
    expect(cluster.surplus).toBe(3 * 4 * 2)
  })

  it('not before the proposal is known, nor in a view that is not its own, nor of a stranger', () => {
    const cluster = new PbftCluster(4)
    cluster.ask(['n1'])
    cluster.settle()
    const { state } = cluster.replica('n2').core
    const commit = state.slots.get(1)?.commits.get('n2')
    const of = (change: Partial<Commit>): Commit => signed<Commit>({ ...commit!, ...change })
    expect(surplusVote(state, of({ sender: 'n4' }))).not.toBeNull()
    expect(surplusVote(state, of({ index: 2 }))).toBeNull()
    expect(surplusVote(state, of({ sender: 'n9' }))).toBeNull()
    const prepare = state.slots.get(1)?.prepares.get('n3')
    const later: Prepare = { ...prepare!, view: 1 }
    expect(surplusVote(state, signed<Prepare>(later))).toBeNull()
  })

  it('never when it contradicts what is held or settled: that is evidence', () => {
    const cluster = new PbftCluster(4)
    cluster.ask(['n1'])
    cluster.settle()
    const { state } = cluster.replica('n2').core
    for (const sender of ['n3', 'n4']) {
      const slot = state.slots.get(1)
      const prepare = { ...slot!.proposed!, type: 'Prepare' as const, sender, digest: OTHER }
      expect(surplusVote(state, signed<Prepare>(prepare))).toBeNull()
      expect(surplusVote(state, signed<Commit>({ ...prepare, type: 'Commit' }))).toBeNull()
    }
  })

  it('not at a replica without a vote of its own, unless Q others stand for it', () => {
    const cluster = new PbftCluster(4)
    const mute = cluster.replica('n2')
    mute.core.state.mute = true
    cluster.ask(['n1'])
    cluster.settle()
    // It counts itself for nothing, and needs all three commits of the others.
    expect(mute.core.state.lastExecuted).toBe(1)
    expect(mute.core.state.slots.get(1)?.commits.size).toBe(3)
  })
})
