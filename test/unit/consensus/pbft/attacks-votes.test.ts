/** Attacks with proposals and votes, by a lying primary and by lying backups. Their numbers are those of docs/pbft.md. */
import { describe, expect, it } from 'vitest'
import { present } from '../../../../src/base/assert.js'
import type { Batch, Proposed } from '../../../../src/consensus/pbft/messages.js'
import { stableProblem } from '../../../../src/consensus/pbft/proofs.js'
import { addVote, commitCertificate, newSlot } from '../../../../src/consensus/pbft/slot.js'
import { digestOf } from '../../../../src/consensus/pbft/statements.js'
import { PbftCluster, signed } from '../../../support/pbft-cluster.js'
import {
  checkpoint,
  commit,
  D1,
  D2,
  prepare,
  proposed,
  RULES,
} from '../../../support/pbft-statements.js'

describe('a lying primary', () => {
  /** n1 tells each backup another batch for the same index. */
  function equivocate(cluster: PbftCluster): void {
    let told = 0
    cluster.replica('n1').honest = false
    cluster.tamper = (flight) => {
      const { from, to, message } = flight
      if (from !== 'n1' || message.type !== 'PrePrepare' || message.batch === null) return [flight]
      const batch: Batch = { ...message.batch, time: message.batch.time + ++told }
      const digest = digestOf(cluster.replica('n1').core.state, batch)
      const lie = signed<Proposed>({ ...message.proposed, digest })
      return [{ from, to, message: { type: 'PrePrepare', proposed: lie, batch } }]
    }
  }

  it('that proposes another batch to each is replaced, and its index is not split', () => {
    const cluster = new PbftCluster(4)
    equivocate(cluster)
    const [request] = cluster.ask(['n2', 'n3', 'n4'])
    cluster.pass(60)
    for (const id of ['n2', 'n3', 'n4'])
      expect(cluster.replica(id).core.state.view).toBeGreaterThan(0)
    expect(cluster.timesExecuted(request!)).toBe(1)
  })

  it('that is caught with two proposals for one index is suspected at once', () => {
    const cluster = new PbftCluster(4)
    cluster.ask(['n1'])
    const [flight] = cluster.flights.filter((one) => one.message.type === 'PrePrepare')
    const { message } = present(flight)
    if (message.type !== 'PrePrepare' || message.batch === null) throw new Error('no proposal')
    const batch: Batch = { time: message.batch.time + 1, requests: [] }
    const digest = digestOf(cluster.replica('n1').core.state, batch)
    const lie = signed<Proposed>({ ...message.proposed, digest })
    const n2 = cluster.replica('n2')
    n2.step({ type: 'Receive', from: 'n1', message })
    n2.step({ type: 'Receive', from: 'n1', message: { type: 'PrePrepare', proposed: lie, batch } })
    expect(n2.notes).toContain('equivocation-seen')
    n2.tick()
    expect(n2.core.state.view).toBe(1)
  })

  it('26, 27: that leaves one client out is replaced', () => {
    const cluster = new PbftCluster(4)
    cluster.replica('n1').honest = false
    const starved = cluster.request()
    cluster.tamper = (flight) => {
      const { message, to } = flight
      const hides = message.type === 'Forward' && to === 'n1'
      return hides && message.requests.some((one) => one.seq === starved.seq) ? [] : [flight]
    }
    cluster.replica('n3').step({ type: 'Propose', requests: [starved] })
    for (let i = 0; i < 30; i++) {
      cluster.ask(['n1'])
      cluster.pass(2)
    }
    expect(cluster.timesExecuted(starved)).toBe(1)
    expect(cluster.replica('n2').core.state.view).toBeGreaterThan(0)
  })
})

describe('lying backups', () => {
  it('2: one that votes many times is one', () => {
    const cluster = new PbftCluster(4)
    cluster.isolate('n3')
    cluster.ask(['n1'])
    cluster.replica('n2').crash()
    cluster.settle()
    const n1 = cluster.replica('n1')
    const digest = n1.core.state.slots.get(1)?.proposed?.digest ?? ''
    for (let i = 0; i < 5; i++) {
      n1.step({ type: 'Receive', from: 'n4', message: prepare('n4', 0, 1, digest) })
      n1.step({ type: 'Receive', from: 'n4', message: commit('n4', 0, 1, digest) })
    }
    expect(n1.core.state.slots.get(1)?.prepared).toBeNull()
    expect(n1.core.state.lastExecuted).toBe(0)
  })

  it('19: votes for another digest do not count', () => {
    const cluster = new PbftCluster(4)
    for (const id of ['n2', 'n3']) cluster.isolate(id)
    cluster.ask(['n1'])
    cluster.settle()
    const n1 = cluster.replica('n1')
    for (const id of ['n2', 'n3', 'n4']) {
      n1.step({ type: 'Receive', from: id, message: prepare(id, 0, 1, D2) })
      n1.step({ type: 'Receive', from: id, message: commit(id, 0, 1, D2) })
    }
    expect(n1.core.state.slots.get(1)?.prepared).toBeNull()
    // Q commits of a batch that nobody can show are not executed either.
    expect(n1.core.state.lastExecuted).toBe(0)
  })

  it('19: commits of two batches are not added up', () => {
    const slot = newSlot(1)
    addVote(slot.commits, commit('n1', 0, 1, D1))
    addVote(slot.commits, commit('n2', 0, 1, D1))
    addVote(slot.commits, commit('n3', 0, 1, D2))
    expect(commitCertificate(slot, 3)).toBeNull()
    addVote(slot.commits, commit('n4', 0, 1, D1))
    expect(commitCertificate(slot, 3)?.map(({ sender }) => sender)).toEqual(['n1', 'n2', 'n4'])
  })

  it('20: a batch under a digest that is not its own is not accepted', () => {
    const n2 = new PbftCluster(4).replica('n2')
    const batch: Batch = { time: 1, requests: [] }
    n2.step({
      type: 'Receive',
      from: 'n1',
      message: { type: 'PrePrepare', proposed: proposed(0, 1, D1), batch },
    })
    expect(n2.core.state.slots.get(1)?.proposed ?? null).toBeNull()
  })

  it('20: a batch with one request twice is refused, and its primary suspected', () => {
    const cluster = new PbftCluster(4)
    const n2 = cluster.replica('n2')
    const request = cluster.request()
    const batch: Batch = { time: 1, requests: [request, request] }
    const twice = proposed(0, 1, digestOf(n2.core.state, batch))
    n2.step({
      type: 'Receive',
      from: 'n1',
      message: { type: 'PrePrepare', proposed: twice, batch },
    })
    expect(n2.core.state.slots.get(1)?.proposed ?? null).toBeNull()
    n2.tick()
    expect(n2.core.state.view).toBe(1)
  })

  it('9: the primary of a view that nobody has opened yet proposes in vain', () => {
    const cluster = new PbftCluster(4)
    const n3 = cluster.replica('n3')
    cluster.isolate('n3')
    cluster.ask(['n3'])
    n3.wait(10)
    expect(n3.core.state).toMatchObject({ view: 1, active: false })
    const batch: Batch = { time: 1, requests: [] }
    const own = proposed(1, 1, digestOf(n3.core.state, batch))
    n3.step({ type: 'Receive', from: 'n2', message: { type: 'PrePrepare', proposed: own, batch } })
    expect(n3.core.state.slots.get(1)?.proposed ?? null).toBeNull()
  })

  it('19: checkpoints of two states are not added up', () => {
    const cluster = new PbftCluster(4)
    cluster.tamper = (flight) => (flight.message.type === 'Checkpoint' ? [] : [flight])
    for (let i = 0; i < 4; i++) {
      cluster.ask(['n1'])
      cluster.settle()
    }
    const n1 = cluster.replica('n1')
    const own = n1.core.state.ownDigests.get(4) ?? ''
    const hears = (sender: string, digest: string): void =>
      n1.step({ type: 'Receive', from: sender, message: checkpoint(sender, 4, digest) })
    hears('n4', D2)
    hears('n2', own)
    expect(n1.core.state.stable.index).toBe(0)
    hears('n3', own)
    expect(n1.core.state.stable.index).toBe(4)
  })

  it('19: a garbage checkpoint neither becomes stable nor stops those of others, nor is it in their proof', () => {
    const cluster = new PbftCluster(4)
    cluster.replica('n4').honest = false
    cluster.tamper = (flight) => {
      const { from, to, message } = flight
      if (from !== 'n4' || message.type !== 'Checkpoint') return [flight]
      return [{ from, to, message: checkpoint('n4', message.index, D2) }]
    }
    for (let i = 0; i < 10; i++) {
      cluster.ask(['n1'])
      cluster.settle()
    }
    for (const id of ['n1', 'n2', 'n3']) {
      const { stable } = cluster.replica(id).core.state
      expect(stable.index).toBe(8)
      expect(stableProblem(stable.checkpoints, RULES)).toBeNull()
    }
  })
})
