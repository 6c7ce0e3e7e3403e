/** Attacks and bugs that real systems met, each as a test: what the liar does, and that the honest are not moved. */
import { describe, expect, it } from 'vitest'
import { present } from '../../../../src/base/assert.js'
import type {
  Batch,
  Checkpoint,
  Commit,
  NewView,
  Prepare,
  Proposed,
  ViewChange,
} from '../../../../src/consensus/pbft/messages.js'
import { newViewProblem } from '../../../../src/consensus/pbft/new-view.js'
import {
  preparedProblem,
  stableProblem,
  viewChangeProblem,
} from '../../../../src/consensus/pbft/proofs.js'
import { addVote, commitCertificate, newSlot } from '../../../../src/consensus/pbft/slot.js'
import { digestOf } from '../../../../src/consensus/pbft/statements.js'
import { PbftCluster, signed } from '../../../support/pbft-cluster.js'

const IDS = ['n1', 'n2', 'n3', 'n4']
const RULES = { replicas: IDS, epoch: 0, windowIndices: 8 }
const D1 = '11'.repeat(32)
const D2 = '22'.repeat(32)

const proposed = (view: number, index: number, digest = D1, sender = IDS[view % 4]!) =>
  signed<Proposed>({ type: 'Proposed', view, index, digest, sender })
const prepare = (sender: string, view: number, index: number, digest = D1) =>
  signed<Prepare>({ type: 'Prepare', view, index, digest, sender })
const commit = (sender: string, view: number, index: number, digest: string) =>
  signed<Commit>({ type: 'Commit', view, index, digest, sender })
const checkpoint = (sender: string, index: number, digest = D1) =>
  signed<Checkpoint>({ type: 'Checkpoint', index, digest, sender })

function certificate(view: number, index: number, digest = D1) {
  const primary = IDS[view % 4]
  const backups = IDS.filter((id) => id !== primary).slice(0, 2)
  return {
    proposed: proposed(view, index, digest),
    prepares: backups.map((id) => prepare(id, view, index, digest)),
  }
}

function viewChange(sender: string, view: number, of: Partial<ViewChange> = {}): ViewChange {
  const base = { stable: 0, checkpoints: [], prepared: [] }
  return signed<ViewChange>({ type: 'ViewChange', view, ...base, ...of, sender })
}

function newView(view: number, of: Partial<NewView>): NewView {
  const base = { viewChanges: [], proposals: [] }
  return signed<NewView>({ type: 'NewView', view, ...base, ...of, sender: IDS[view % 4]! })
}

describe('certificates', () => {
  const { proposed: p, prepares } = certificate(0, 1)
  it.each([
    { why: 'a whole one', of: { proposed: p, prepares }, problem: null },
    {
      why: 'a signer twice',
      of: { proposed: p, prepares: [prepares[0]!, prepares[0]!] },
      problem: 'distinct',
    },
    {
      why: 'one signer too few',
      of: { proposed: p, prepares: [prepares[0]!] },
      problem: '1 signers of 2',
    },
    {
      why: 'the primary among those who prepared',
      of: { proposed: p, prepares: [prepares[0]!, prepare('n1', 0, 1)] },
      problem: 'of the primary',
    },
    {
      why: 'prepares of another digest',
      of: { proposed: p, prepares: [prepares[0]!, prepare('n3', 0, 1, D2)] },
      problem: 'something else',
    },
    {
      why: 'prepares of another view',
      of: { proposed: p, prepares: [prepares[0]!, prepare('n3', 4, 1)] },
      problem: 'something else',
    },
    {
      why: 'prepares of another index',
      of: { proposed: p, prepares: [prepares[0]!, prepare('n3', 0, 2)] },
      problem: 'something else',
    },
    {
      why: 'a proposal of somebody else',
      of: { proposed: proposed(0, 1, D1, 'n2'), prepares },
      problem: 'than the primary',
    },
    {
      why: 'a stranger',
      of: { proposed: p, prepares: [prepares[0]!, prepare('n9', 0, 1)] },
      problem: 'distinct',
    },
    {
      why: 'another epoch',
      of: { proposed: p, prepares: [prepares[0]!, { ...prepare('n3', 0, 1), epoch: 1 }] },
      problem: 'epoch',
    },
  ])('prepared: $why', ({ of, problem }) => {
    if (problem === null) expect(preparedProblem(of, RULES)).toBeNull()
    else expect(preparedProblem(of, RULES)).toContain(problem)
  })

  it.each([
    { why: 'Q that agree', of: ['n1', 'n2', 'n3'].map((id) => checkpoint(id, 4)), problem: null },
    {
      why: 'a signer twice',
      of: ['n1', 'n2', 'n2'].map((id) => checkpoint(id, 4)),
      problem: 'distinct',
    },
    {
      why: 'two digests',
      of: [checkpoint('n1', 4), checkpoint('n2', 4), checkpoint('n3', 4, D2)],
      problem: 'differ',
    },
    {
      why: 'two indices',
      of: [checkpoint('n1', 4), checkpoint('n2', 4), checkpoint('n3', 8)],
      problem: 'differ',
    },
    { why: 'f+1 only', of: [checkpoint('n1', 4), checkpoint('n2', 4)], problem: '2 signers of 3' },
    { why: 'nothing', of: [], problem: 'no checkpoints' },
  ])('stable: $why', ({ of, problem }) => {
    if (problem === null) expect(stableProblem(of, RULES)).toBeNull()
    else expect(stableProblem(of, RULES)).toContain(problem)
  })

  it.each([
    { why: 'an empty one', m: viewChange('n2', 1), problem: null },
    { why: 'an h without proof', m: viewChange('n2', 1, { stable: 4 }), problem: 'no checkpoints' },
    {
      why: 'a proof of another h',
      m: viewChange('n2', 1, {
        stable: 8,
        checkpoints: IDS.slice(0, 3).map((id) => checkpoint(id, 4)),
      }),
      problem: 'another index',
    },
    {
      why: 'a certificate at or below h',
      m: viewChange('n2', 1, {
        stable: 4,
        checkpoints: IDS.slice(0, 3).map((id) => checkpoint(id, 4)),
        prepared: [certificate(0, 4)],
      }),
      problem: 'ascend',
    },
    {
      why: 'two certificates for one index',
      m: viewChange('n2', 5, { prepared: [certificate(0, 1), certificate(1, 1)] }),
      problem: 'ascend',
    },
    {
      why: 'a certificate beyond the window',
      m: viewChange('n2', 1, { prepared: [certificate(0, 9)] }),
      problem: 'window',
    },
    {
      why: 'a certificate of the view it asks for',
      m: viewChange('n2', 1, { prepared: [certificate(1, 1)] }),
      problem: 'not over',
    },
    {
      why: 'one bad certificate among good ones',
      m: viewChange('n2', 1, {
        prepared: [certificate(0, 1), { ...certificate(0, 2), prepares: [] }],
      }),
      problem: 'index 2',
    },
  ])('view change: $why', ({ m, problem }) => {
    if (problem === null) expect(viewChangeProblem(m, RULES)).toBeNull()
    else expect(viewChangeProblem(m, RULES)).toContain(problem)
  })
})

describe('new views', () => {
  const state = () => new PbftCluster(4).replica('n3').core.state
  const three = (of: Partial<ViewChange>[] = [{}, {}, {}]) =>
    of.map((one, i) => viewChange(IDS[i]!, 1, one))
  const shown = three([{ prepared: [certificate(0, 1)] }, {}, {}])

  it('what follows from its view changes is taken', () => {
    expect(
      newViewProblem(state(), newView(1, { viewChanges: shown, proposals: [proposed(1, 1)] })),
    ).toBeNull()
  })

  it.each([
    {
      why: '1: a sender counted twice',
      of: { viewChanges: [shown[1]!, shown[1]!, shown[2]!] },
      problem: 'distinct',
    },
    { why: 'fewer than Q', of: { viewChanges: shown.slice(1) }, problem: 'fewer than Q' },
    {
      why: '3: a prepared request left out',
      of: { viewChanges: shown, proposals: [] },
      problem: 'more or fewer',
    },
    {
      why: '3: another batch in its place',
      of: { viewChanges: shown, proposals: [proposed(1, 1, D2)] },
      problem: 'another proposal for 1',
    },
    {
      why: '3: more than follows',
      of: { viewChanges: shown, proposals: [proposed(1, 1), proposed(1, 2)] },
      problem: 'more or fewer',
    },
    {
      why: 'a view change to another view',
      of: { viewChanges: [shown[0]!, shown[1]!, viewChange('n3', 2)] },
      problem: 'another view',
    },
    {
      why: '6: a view change that does not hold',
      of: { viewChanges: [viewChange('n1', 1, { stable: 4 }), shown[1]!, shown[2]!] },
      problem: 'n1',
    },
    {
      why: 'proposals of an older view',
      of: { viewChanges: shown, proposals: [proposed(0, 1)] },
      problem: 'this primary',
    },
  ])('$why is refused', ({ of, problem }) => {
    expect(newViewProblem(state(), newView(1, of))).toContain(problem)
  })

  it('5: of two certificates for an index the one of the higher view holds', () => {
    const viewChanges = [
      viewChange('n1', 2, { prepared: [certificate(0, 1, D1)] }),
      viewChange('n2', 2, { prepared: [certificate(1, 1, D2)] }),
      viewChange('n3', 2),
    ]
    const older = newView(2, { viewChanges, proposals: [proposed(2, 1, D1)] })
    const newer = newView(2, { viewChanges, proposals: [proposed(2, 1, D2)] })
    expect(newViewProblem(state(), older)).toContain('another proposal')
    expect(newViewProblem(state(), newer)).toBeNull()
  })

  it('indices that nobody shows are filled with the null batch', () => {
    const s = state()
    const viewChanges = three([{ prepared: [certificate(0, 2)] }, {}, {}])
    const nullDigest = digestOf(s, null)
    const good = newView(1, {
      viewChanges,
      proposals: [proposed(1, 1, nullDigest), proposed(1, 2)],
    })
    const gap = newView(1, { viewChanges, proposals: [proposed(1, 2)] })
    expect(newViewProblem(s, good)).toBeNull()
    expect(newViewProblem(s, gap)).not.toBeNull()
  })

  it('only its own primary opens a view', () => {
    const m = { ...newView(1, { viewChanges: three() }), sender: 'n4' }
    expect(newViewProblem(state(), m)).toContain('than the primary')
    const cluster = new PbftCluster(4)
    const replica = cluster.replica('n3')
    replica.step({ type: 'Receive', from: 'n4', message: m })
    expect(replica.core.state.view).toBe(0)
  })
})

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
  it('28: one that votes many times is one', () => {
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

  it('9: the primary of a view that nobody has opened yet proposes in vain', () => {
    const cluster = new PbftCluster(4)
    const n3 = cluster.replica('n3')
    cluster.isolate('n3')
    cluster.ask(['n3'])
    n3.tick(10)
    expect(n3.core.state).toMatchObject({ view: 1, active: false })
    const batch: Batch = { time: 1, requests: [] }
    const own = proposed(1, 1, digestOf(n3.core.state, batch))
    n3.step({ type: 'Receive', from: 'n2', message: { type: 'PrePrepare', proposed: own, batch } })
    expect(n3.core.state.slots.get(1)?.proposed ?? null).toBeNull()
  })

  it('25: far indices, views and checkpoints leave nothing behind', () => {
    const cluster = new PbftCluster(4)
    const n1 = cluster.replica('n1')
    for (let i = 1; i <= 2_000; i++) {
      n1.step({ type: 'Receive', from: 'n4', message: prepare('n4', i, 8 + i) })
      n1.step({ type: 'Receive', from: 'n4', message: commit('n4', i, 8 + i, D1) })
      n1.step({ type: 'Receive', from: 'n4', message: checkpoint('n4', 4 * i) })
      n1.step({ type: 'Receive', from: 'n4', message: viewChange('n4', i) })
    }
    expect(n1.core.state.slots.size).toBe(0)
    expect(n1.core.state.checkpoints.size).toBeLessThanOrEqual(3)
    expect(n1.core.state.viewChanges.size).toBe(1)
    expect(n1.core.state.view).toBe(0)
  })

  it('a garbage checkpoint neither becomes stable nor stops those of others', () => {
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
    for (const id of ['n1', 'n2', 'n3']) expect(cluster.replica(id).core.state.stable.index).toBe(8)
  })
})

describe('restarts', () => {
  it('13: a restarted backup keeps to what it prepared', () => {
    const cluster = new PbftCluster(4)
    cluster.ask(['n1'])
    const [flight] = cluster.flights.filter((one) => one.to === 'n2')
    const { message } = present(flight)
    if (message.type !== 'PrePrepare' || message.batch === null) throw new Error('no proposal')
    const n2 = cluster.replica('n2')
    n2.step({ type: 'Receive', from: 'n1', message })
    n2.crash()
    n2.restart()
    const batch: Batch = { time: message.batch.time + 1, requests: [] }
    const digest = digestOf(n2.core.state, batch)
    const lie = signed<Proposed>({ ...message.proposed, digest })
    cluster.flights = []
    n2.step({ type: 'Receive', from: 'n1', message: { type: 'PrePrepare', proposed: lie, batch } })
    expect(cluster.flights.filter((one) => one.message.type === 'Prepare')).toEqual([])
    expect(n2.notes).toContain('equivocation-seen')
  })

  it('13: a restarted replica does not go back to a view that it left', () => {
    const cluster = new PbftCluster(4)
    const n2 = cluster.replica('n2')
    cluster.isolate('n2')
    cluster.ask(['n2'])
    n2.tick(12)
    expect(n2.core.state.view).toBe(1)
    n2.crash()
    n2.restart()
    cluster.heal()
    cluster.flights = []
    cluster.ask(['n1'])
    for (const flight of cluster.flights.filter((one) => one.to === 'n2'))
      cluster.deliverOne(flight)
    expect(n2.core.state.view).toBe(1)
    expect(cluster.flights.some((one) => one.from === 'n2' && one.message.type === 'Prepare')).toBe(
      false,
    )
  })

  it('a restarted primary gives an index to nothing else', () => {
    const cluster = new PbftCluster(4)
    const [first] = cluster.ask(['n1'])
    cluster.flights = []
    const n1 = cluster.replica('n1')
    n1.crash()
    n1.restart()
    const [second] = cluster.ask(['n1'])
    cluster.pass(20)
    expect(cluster.timesExecuted(first!)).toBe(1)
    expect(cluster.timesExecuted(second!)).toBe(1)
  })

  it('one whose disk lost its promises follows and signs nothing', () => {
    const cluster = new PbftCluster(4)
    cluster.ask(['n1'])
    cluster.settle()
    const n4 = cluster.replica('n4')
    n4.crash()
    n4.disk.push([{ type: 'Lost' }])
    n4.synced = n4.disk.length
    n4.restart()
    cluster.flights = []
    const sent: string[] = []
    cluster.tamper = (flight) => {
      if (flight.from === 'n4') sent.push(flight.message.type)
      return [flight]
    }
    cluster.ask(['n1'])
    cluster.pass(20)
    expect(n4.core.state.lastExecuted).toBe(2)
    expect(sent.every((type) => type === 'Status')).toBe(true)
    expect(n4.notes).toContain('vote-withheld')
  })
})
