/** Attacks with view changes and NEW-VIEWs. Their numbers are those of docs/pbft.md. */
import { describe, expect, it } from 'vitest'
import type { ViewChange } from '../../../../src/consensus/pbft/messages.js'
import { newViewProblem } from '../../../../src/consensus/pbft/new-view.js'
import { digestOf } from '../../../../src/consensus/pbft/statements.js'
import { PbftCluster } from '../../../support/pbft-cluster.js'
import {
  certificate,
  D1,
  D2,
  IDS,
  newView,
  proposed,
  viewChange,
} from '../../../support/pbft-statements.js'

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

describe('leaving a view', () => {
  it('7: a view change with one certificate that does not hold is not counted, and hides nobody else', () => {
    const cluster = new PbftCluster(4)
    cluster.replica('n4').honest = false
    const [request] = cluster.ask(['n1', 'n2', 'n3'])
    // Prepared by all, committed by nobody.
    cluster.tamper = (flight) => (flight.message.type === 'Commit' ? [] : [flight])
    cluster.settle()
    // The liar is the first to be heard: its own certificate is of a later index, and one signer short.
    const { proposed: p, prepares } = certificate(0, 2)
    const prepared = [certificate(0, 1), { proposed: p, prepares: prepares.slice(1) }]
    const n2 = cluster.replica('n2')
    n2.step({ type: 'Receive', from: 'n4', message: viewChange('n4', 1, { prepared }) })
    expect(n2.notes).toContain('view-change-refused')
    expect(n2.core.state.viewChanges.size).toBe(0)
    cluster.tamper = (flight) => (flight.from === 'n4' ? [] : [flight])
    for (const id of ['n1', 'n2', 'n3']) cluster.replica(id).wait(10)
    cluster.settle()
    for (const id of ['n1', 'n2', 'n3'])
      expect(cluster.replica(id).core.state).toMatchObject({ view: 1, active: true })
    expect(cluster.timesExecuted(request!)).toBe(1)
  })

  it('10: who prepared a batch alone votes for another when a NEW-VIEW shows that nothing was committed', () => {
    const cluster = new PbftCluster(4)
    // n3 alone hears enough Prepares; nobody commits.
    cluster.tamper = (flight) => {
      const { message, to } = flight
      return message.type === 'Prepare' && to !== 'n3' ? [] : [flight]
    }
    const [request] = cluster.ask(['n1', 'n2', 'n3', 'n4'])
    cluster.settle()
    const n3 = cluster.replica('n3')
    const before = n3.core.state.slots.get(1)?.prepared?.proposed.digest
    expect(before).toBeDefined()
    cluster.isolate('n3')
    cluster.tamper = (flight) => (flight.message.type === 'Commit' ? [] : [flight])
    for (const replica of cluster.replicas) replica.wait(10)
    cluster.settle()
    // View 1 came without n3: Q view changes show nothing, so that its index has another batch now.
    const { state } = cluster.replica('n2').core
    expect(state).toMatchObject({ view: 1, active: true, lastExecuted: 0 })
    expect(state.slots.get(1)?.proposed?.digest).not.toBe(before)
    // And one of those who are for it is gone, so that it takes n3.
    cluster.replica('n1').crash()
    cluster.tamper = (flight) => [flight]
    cluster.heal()
    cluster.pass(12)
    expect(cluster.timesExecuted(request!)).toBe(1)
    expect(n3.core.state).toMatchObject({ view: 1, active: true, lastExecuted: 1 })
  })
})
