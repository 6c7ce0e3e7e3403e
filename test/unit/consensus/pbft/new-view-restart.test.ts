/** What a NEW-VIEW fixes must hold over restarts and for those who are behind it. */
import { describe, expect, it } from 'vitest'
import { present } from '../../../../src/base/assert.js'
import { signedBytes } from '../../../../src/consensus/pbft/encoding.js'
import type {
  Batch,
  Checkpoint,
  NewView,
  Proposed,
  Statement,
  ViewChange,
} from '../../../../src/consensus/pbft/messages.js'
import { digestOf } from '../../../../src/consensus/pbft/statements.js'
import { fakeKeys } from '../../../../src/crypto/fake.js'
import { CLUSTER_ID, PbftCluster, type TestReplica } from '../../../support/pbft-cluster.js'

function signed<S extends Statement>(statement: Omit<S, 'epoch' | 'signature'>): S {
  const unsigned = { epoch: 0, ...statement, signature: new Uint8Array(0) } as unknown as S
  const signature = fakeKeys(unsigned.sender).sign(signedBytes(CLUSTER_ID, unsigned))
  return { ...unsigned, signature }
}

/** n2, the primary of view 1, proposes a batch of its own. */
function lie(replica: TestReplica, index: number): void {
  const batch: Batch = { time: 7, requests: [] }
  const digest = digestOf(replica.core.state, batch)
  const proposed = signed<Proposed>({ type: 'Proposed', view: 1, index, digest, sender: 'n2' })
  replica.step({ type: 'Receive', from: 'n2', message: { type: 'PrePrepare', proposed, batch } })
}

/** View 1 takes over what was prepared at 1; n3 heard nothing of it before. */
function viewOneWithoutBatchAt3(): PbftCluster {
  const cluster = new PbftCluster(4)
  cluster.tamper = (flight) => {
    const { type } = flight.message
    return flight.to === 'n3' && (type === 'PrePrepare' || type === 'FetchedBatch') ? [] : [flight]
  }
  cluster.block('n1', 'n3')
  for (const id of ['n2', 'n3', 'n4']) cluster.block(id, 'n1')
  cluster.ask(['n1'])
  cluster.settle()
  cluster.heal()
  cluster.isolate('n1')
  cluster.ask(['n2', 'n3', 'n4'])
  while (cluster.replica('n3').core.state.newView === null) cluster.pass(1)
  return cluster
}

describe('a new view over restarts', () => {
  it('stands when the segment with its NEW-VIEW has gone: another proposal is none', () => {
    const cluster = viewOneWithoutBatchAt3()
    const n3 = cluster.replica('n3')
    const proposed = present(n3.core.state.slots.get(1)?.proposed)
    // Here a segment begins, and the log before it is released.
    const opening = n3.core.stateRecord()
    const from = n3.disk.length
    cluster.tamper = (flight) => [flight]
    cluster.pass(12)
    expect(n3.core.state.slots.get(1)?.preparedIn).toBe(1)
    n3.crash()
    n3.disk = [[opening], ...n3.disk.slice(from)]
    n3.synced = n3.disk.length
    cluster.flights = []
    n3.restart()
    lie(n3, 1)
    expect(n3.core.state.slots.get(1)?.proposed?.digest).toBe(proposed.digest)
    const said = cluster.flights.map(({ message }) => message)
    for (const message of said)
      if (message.type === 'Prepare' && message.index === 1)
        expect(message.digest).toBe(proposed.digest)
  })

  it('is voted on by one that restarted before its votes arrived', () => {
    const cluster = new PbftCluster(4)
    // Prepared in view 0, committed nowhere; in view 1 no vote arrives.
    cluster.tamper = (flight) => (flight.message.type === 'Commit' ? [] : [flight])
    const [request] = cluster.ask(['n1', 'n2', 'n3', 'n4'])
    cluster.settle()
    cluster.replica('n1').crash()
    cluster.tamper = (flight) =>
      flight.message.type === 'Commit' || flight.message.type === 'Prepare' ? [] : [flight]
    const n3 = cluster.replica('n3')
    while (!n3.core.state.active || n3.core.state.view === 0) cluster.pass(1)
    n3.crash()
    n3.restart()
    cluster.tamper = (flight) => [flight]
    cluster.pass(8)
    expect(cluster.timesExecuted(present(request))).toBe(1)
    expect(n3.core.state.view).toBe(1)
  })
})

describe('what a new view proves to be stable', () => {
  it('is not voted on again by one that has not executed it yet', () => {
    const n3 = new PbftCluster(4).replica('n3')
    const checkpoints = ['n1', 'n2', 'n4'].map((sender) =>
      signed<Checkpoint>({ type: 'Checkpoint', index: 4, digest: '11'.repeat(32), sender }),
    )
    const viewChanges = ['n1', 'n2', 'n4'].map((sender) => {
      const shows = sender === 'n2' ? { stable: 4, checkpoints } : { stable: 0, checkpoints: [] }
      return signed<ViewChange>({ type: 'ViewChange', view: 1, ...shows, prepared: [], sender })
    })
    const message = signed<NewView>({
      type: 'NewView',
      view: 1,
      viewChanges,
      proposals: [],
      sender: 'n2',
    })
    n3.step({ type: 'Receive', from: 'n2', message })
    expect(n3.core.state).toMatchObject({ view: 1, active: true, floor: 4 })
    for (const index of [1, 4, 5]) lie(n3, index)
    expect(n3.core.state.slots.get(1)?.proposed ?? null).toBeNull()
    expect(n3.core.state.slots.get(4)?.proposed ?? null).toBeNull()
    expect(n3.core.state.slots.get(5)?.preparedIn).toBe(1)
  })
})
