/** Attacks and bugs that real systems met, those of disks, restarts and identity, by their number. */
import { describe, expect, it } from 'vitest'
import { signedBytes } from '../../../../src/consensus/pbft/encoding.js'
import { pbft } from '../../../../src/consensus/pbft/index.js'
import type { Checkpoint, Message, Prepare } from '../../../../src/consensus/pbft/messages.js'
import { statementsOf } from '../../../../src/consensus/pbft/messages.js'
import { fakeKeys, fakeVerify } from '../../../../src/crypto/fake.js'
import { CLUSTER_ID, PbftCluster, signed } from '../../../support/pbft-cluster.js'

const D1 = '11'.repeat(32)

describe('durable before said', () => {
  it('15: nothing that is signed leaves before the disk has what it promises', () => {
    const cluster = new PbftCluster(4, { autoSync: false })
    for (const replica of cluster.replicas) replica.sync()
    cluster.ask(['n1'])
    expect(cluster.flights).toEqual([])
    cluster.replica('n1').sync()
    expect(cluster.flights.map(({ message }) => message.type)).toEqual(Array(3).fill('PrePrepare'))
    cluster.settle()
    expect(cluster.flights).toEqual([])
    cluster.replica('n2').sync()
    expect(cluster.flights.every(({ message }) => message.type === 'Prepare')).toBe(true)
    expect(cluster.flights).toHaveLength(3)
  })

  it('16: every prefix of a log boots, before, in and behind a view change', () => {
    const cluster = new PbftCluster(4)
    for (let i = 0; i < 3; i++) cluster.ask(['n2'])
    cluster.settle()
    cluster.isolate('n1')
    cluster.ask(['n2', 'n3', 'n4'])
    cluster.pass(40)
    const replica = cluster.replica('n2')
    expect(replica.core.state.view).toBeGreaterThan(0)
    const whole = replica.disk.flat()
    expect(whole.some(({ type }) => type === 'NewViewAccepted')).toBe(true)
    let view = 0
    for (let length = 1; length <= whole.length; length++) {
      const self = { id: 'n2', seed: 1, incarnation: 100 + length }
      const { core } = pbft.recover(whole.slice(0, length), self, cluster.optionsOf('n2'))
      // A view that was left or entered is not forgotten by a longer log.
      expect(core.state.view).toBeGreaterThanOrEqual(view)
      view = core.state.view
    }
    expect(view).toBe(replica.core.state.view)
  })

  it('14, 18: a restarted replica has its votes again, and an h only with its proof', () => {
    const cluster = new PbftCluster(4)
    cluster.tamper = (flight) => (flight.message.type === 'Checkpoint' ? [] : [flight])
    for (let i = 0; i < 5; i++) {
      cluster.ask(['n1'])
      cluster.settle()
    }
    const n2 = cluster.replica('n2')
    const before = n2.core.state.slots.get(5)?.commits.get('n2')
    n2.crash()
    n2.restart()
    // It took a checkpoint at 4 and told it; nobody else's word came with it.
    expect(n2.core.state.stable.index).toBe(0)
    expect(n2.core.state.slots.get(5)?.commits.get('n2')?.signature).toEqual(before?.signature)
  })
})

describe('what was signed for something else', () => {
  const prepare = signed<Prepare>({ type: 'Prepare', view: 1, index: 7, digest: D1, sender: 'n2' })
  const verifies = (statement: Prepare | Checkpoint, clusterId = CLUSTER_ID) =>
    fakeVerify(statement.sender, signedBytes(clusterId, statement), statement.signature)

  it.each([
    { why: 'another view', change: { view: 2 } },
    { why: 'another index', change: { index: 8 } },
    { why: 'another digest', change: { digest: '22'.repeat(32) } },
    { why: 'another epoch', change: { epoch: 1 } },
    { why: 'another sender', change: { sender: 'n3' } },
  ])('21: $why makes the signature worthless', ({ change }) => {
    expect(verifies(prepare)).toBe(true)
    expect(verifies({ ...prepare, ...change })).toBe(false)
  })

  it('21: so do another cluster and another type', () => {
    expect(verifies(prepare, 'another cluster')).toBe(false)
    const { index, digest, sender, epoch, signature } = prepare
    expect(verifies({ type: 'Checkpoint', index, digest, sender, epoch, signature })).toBe(false)
  })

  it('6: every statement inside a NEW-VIEW is verified, the nested ones too', () => {
    const cluster = new PbftCluster(4)
    cluster.ask(['n2', 'n3', 'n4'])
    cluster.settle()
    cluster.isolate('n1')
    let newView: Message | null = null
    cluster.tamper = (flight) => {
      if (flight.message.type === 'NewView') newView = flight.message
      return [flight]
    }
    cluster.ask(['n2', 'n3', 'n4'])
    cluster.pass(40)
    const statements = newView === null ? [] : statementsOf(newView)
    const kinds = new Set(statements.map(({ type }) => type))
    expect(kinds).toEqual(new Set(['NewView', 'Proposed', 'ViewChange', 'Prepare']))
  })
})

describe('what was agreed before', () => {
  it('12: a proposal that a new view takes over is accepted on its certificate, however wrong its time is by now', () => {
    const cluster = new PbftCluster(4)
    // So that they know what time it is.
    cluster.pass(1)
    const [request] = cluster.ask(['n1'])
    // Prepared by all but committed by nobody, since no COMMIT of this view arrives, ever.
    cluster.tamper = (flight) => {
      const { message } = flight
      return message.type === 'Commit' && message.view === 0 ? [] : [flight]
    }
    cluster.settle()
    cluster.isolate('n1')
    // Their clocks are set back by ten minutes: a fresh proposal of that time would wait for them.
    for (const replica of cluster.replicas) replica.now -= 600_000
    cluster.ask(['n2', 'n3', 'n4'])
    cluster.pass(60)
    expect(cluster.timesExecuted(request!)).toBe(1)
    expect(cluster.replica('n3').core.state.view).toBeGreaterThan(0)
  })

  it('4: whatever a replica prepared above h it shows when it leaves the view', () => {
    const cluster = new PbftCluster(4)
    cluster.tamper = (flight) => (flight.message.type === 'Commit' ? [] : [flight])
    cluster.ask(['n2', 'n3', 'n4'])
    cluster.settle()
    cluster.isolate('n2')
    const n2 = cluster.replica('n2')
    n2.wait(12)
    expect(n2.core.state.viewChange?.prepared.map(({ proposed }) => proposed.index)).toEqual([1])
  })

  it('30: a view change holds no more certificates than the window has indices', () => {
    const cluster = new PbftCluster(4)
    cluster.tamper = (flight) => (flight.message.type === 'Checkpoint' ? [] : [flight])
    for (let i = 0; i < 30; i++) {
      cluster.ask(['n2'])
      cluster.settle()
    }
    cluster.isolate('n2')
    cluster.ask(['n2'])
    const n2 = cluster.replica('n2')
    n2.wait(30)
    expect(n2.core.state.viewChange?.prepared.length).toBe(n2.core.state.options.windowIndices)
  })
})

it('the same key and bytes give the same signature: a vote said again is the same vote', () => {
  const bytes = Uint8Array.of(1, 2, 3)
  expect(fakeKeys('n1').sign(bytes)).toEqual(fakeKeys('n1').sign(bytes))
})
