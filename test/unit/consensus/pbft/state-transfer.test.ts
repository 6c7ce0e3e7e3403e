/** State transfer, the core's part: what is fetched, of whom, and what a liar can make of it. */
import { describe, expect, it } from 'vitest'
import type { Effect, SnapshotMeta } from '../../../../src/consensus/contract.js'
import type { Message, WalRecord } from '../../../../src/consensus/pbft/index.js'
import type { SnapshotVote } from '../../../../src/consensus/pbft/messages.js'
import { Plan } from '../../../../src/state-transfer/plan.js'
import { PbftCluster, signed, type TestReplica } from '../../../support/pbft-cluster.js'
import { HASHING, partOf, randomBytes, treeOf } from '../../state-transfer/support.js'

const D1 = '11'.repeat(32)
const D2 = '22'.repeat(32)

const vote = (sender: string, index: number, of: Partial<SnapshotVote> = {}) =>
  signed<SnapshotVote>({
    type: 'SnapshotVote',
    ...{ index, digest: D1, bytes: 9, time: 1, history: D2 },
    ...of,
    sender,
  })

function hears(replica: TestReplica, ...votes: readonly SnapshotVote[]): void {
  for (const message of votes) replica.step({ type: 'Receive', from: message.sender, message })
}

type Fetch = Extract<Effect<Message, WalRecord>, { type: 'FetchSnapshot' }>

/** Steps the core alone, so that the test is the host: what it asks to be fetched. */
function ticked(replica: TestReplica, ticks: number): Fetch[] {
  const fetches: Fetch[] = []
  for (let i = 0; i < ticks; i++) {
    const now = replica.core.state.now + 20
    for (const effect of replica.core.step({ type: 'Tick', now, nextDeadline: null }))
      if (effect.type === 'FetchSnapshot') fetches.push(effect)
  }
  return fetches
}

function failed(replica: TestReplica, { target, from }: Fetch): void {
  replica.core.step({ type: 'SnapshotFailed', snapshot: target, peer: from })
}

const newReplica = (id = 'n1') => new PbftCluster(4).replica(id)

describe('a state to fetch', () => {
  it('is one that W vouch for, after a while in which it did not become needless', () => {
    const n1 = newReplica()
    hears(n1, vote('n2', 40), vote('n3', 40))
    expect(ticked(n1, 20)).toEqual([])
    const [fetch] = ticked(n1, 20)
    expect(fetch?.target).toMatchObject({ index: 40, digest: D1, bytes: 9, time: 1 })
  })

  it.each([
    { why: 'one replica alone', votes: [vote('n2', 40)] },
    { why: 'one replica twice', votes: [vote('n2', 40), vote('n2', 40)] },
    {
      why: 'two that differ in the digest',
      votes: [vote('n2', 40), vote('n3', 40, { digest: D2 })],
    },
    { why: 'two that differ in the length', votes: [vote('n2', 40), vote('n3', 40, { bytes: 8 })] },
    { why: 'two that differ in the time', votes: [vote('n2', 40), vote('n3', 40, { time: 2 })] },
    {
      why: 'two that differ in the history',
      votes: [vote('n2', 40), vote('n3', 40, { history: D1 })],
    },
    { why: 'a stranger', votes: [vote('n2', 40), vote('n9', 40)] },
    { why: 'another epoch', votes: [vote('n2', 40), { ...vote('n3', 40), epoch: 1 }] },
  ])('23: no state is fetched on the word of $why', ({ votes }) => {
    const n1 = newReplica()
    hears(n1, ...votes)
    expect(ticked(n1, 100)).toEqual([])
  })

  it('23: a liar that speaks of far states keeps nobody from the one that there is', () => {
    const n1 = newReplica()
    for (let i = 0; i < 50; i++) hears(n1, vote('n4', 1_000_000 + i))
    hears(n1, vote('n2', 40), vote('n3', 40))
    const [fetch] = ticked(n1, 40)
    expect(fetch?.target.index).toBe(40)
    let kept = 0
    for (const of of n1.core.state.snapshotVotes.values()) kept += of.has('n4') ? 1 : 0
    expect(kept).toBeLessThanOrEqual(3)
  })

  it('23: no proof takes a replica back, and none below its own file replaces it', () => {
    const cluster = new PbftCluster(4)
    for (let i = 0; i < 20; i++) {
      cluster.ask(['n1'])
      cluster.settle()
    }
    const n1 = cluster.replica('n1')
    expect(n1.core.state.lastExecuted).toBe(20)
    for (const index of [4, 16, 20]) hears(n1, vote('n2', index), vote('n3', index))
    expect(ticked(n1, 100)).toEqual([])
    const target = { ...(n1.core.state.snapshot as SnapshotMeta), index: 12, digest: D1 }
    const effects = n1.core.step({ type: 'SnapshotReceived', from: 'n2', snapshot: target })
    expect(effects.filter(({ type }) => type === 'Restore')).toEqual([])
    expect(n1.core.state.lastExecuted).toBe(20)
  })

  it('23: what a peer says of how far it is moves nobody', () => {
    const n1 = newReplica()
    const status = { view: 0, active: true, stable: 900, executed: 1_000_000_000 }
    n1.step({ type: 'Receive', from: 'n4', message: { type: 'Status', ...status } })
    expect(ticked(n1, 100)).toEqual([])
    expect(n1.core.state).toMatchObject({ lastExecuted: 0, stable: { index: 0 } })
  })
})

describe('the sources of a state', () => {
  function fetching(): { n1: TestReplica; first: Fetch } {
    const n1 = newReplica()
    hears(n1, vote('n2', 40), vote('n3', 40))
    const [first] = ticked(n1, 40)
    if (first === undefined) throw new Error('nothing is fetched')
    return { n1, first }
  }

  it('are asked one after the other, whoever fails at once followed by the next; those that signed first', () => {
    const { n1, first } = fetching()
    const asked = [first.from]
    let fetch: Fetch | undefined = first
    while (fetch !== undefined && asked.length < 3) {
      failed(n1, fetch)
      fetch = ticked(n1, 1)[0]
      if (fetch !== undefined) asked.push(fetch.from)
    }
    expect(asked).toEqual(['n2', 'n3', 'n4'])
    // All have failed: after a while again, and not for ever at once.
    failed(n1, fetch as Fetch)
    expect(ticked(n1, 20)).toEqual([])
    expect(ticked(n1, 10)).toHaveLength(1)
  })

  it('one at a time, and while it is at it nobody else', () => {
    const { n1 } = fetching()
    expect(ticked(n1, 200)).toEqual([])
  })

  it('whoever failed is asked last, for a newer state too', () => {
    const { n1, first } = fetching()
    failed(n1, first)
    const [second] = ticked(n1, 1)
    expect(second?.from).toBe('n3')
    // Meanwhile there is a newer one; what is begun goes on.
    hears(n1, vote('n2', 80), vote('n3', 80))
    failed(n1, second as Fetch)
    const [third] = ticked(n1, 1)
    expect(third).toMatchObject({ from: 'n4', target: { index: 40 } })
    n1.core.step({ type: 'SnapshotReceived', from: 'n4', snapshot: (third as Fetch).target })
    expect(n1.core.state.lastExecuted).toBe(40)
    const [next] = ticked(n1, 40)
    // n2 and n3 failed once each, n4 signed nothing: it never did fail.
    expect(next).toMatchObject({ from: 'n4', target: { index: 80 } })
  })

  it('a failure of another state, or told of another peer, is none of this one', () => {
    const { n1, first } = fetching()
    n1.core.step({ type: 'SnapshotFailed', snapshot: first.target, peer: 'n3' })
    n1.core.step({ type: 'SnapshotFailed', snapshot: { ...first.target, index: 36 }, peer: 'n2' })
    expect(ticked(n1, 100)).toEqual([])
  })

  it('a file that is not the one that W vouch for is not restored, and goes on to be missing', () => {
    const { n1, first } = fetching()
    const effects = n1.core.step({
      type: 'SnapshotReceived',
      from: first.from,
      snapshot: { ...first.target, digest: D2 },
    })
    expect(effects.filter(({ type }) => type === 'Restore' || type === 'Persist')).toEqual([])
    expect(n1.core.state.lastExecuted).toBe(0)
    expect(ticked(n1, 40)).toHaveLength(1)
  })
})

describe('who vouches', () => {
  it('says so again until its file is proven: a vote that was lost keeps nobody behind', () => {
    const cluster = new PbftCluster(4)
    cluster.isolate('n4')
    cluster.tamper = (flight) => (flight.message.type === 'SnapshotVote' ? [] : [flight])
    for (let i = 0; i < 30; i++) {
      cluster.ask(['n1'])
      cluster.settle()
    }
    for (const id of ['n1', 'n2', 'n3'])
      expect(cluster.replica(id).core.state.snapshotProof).toBeNull()
    cluster.tamper = (flight) => [flight]
    cluster.heal()
    cluster.pass(80)
    expect(cluster.replica('n4').notes).toContain('state-fetched')
    expect(cluster.replica('n4').core.state.lastExecuted).toBe(30)
  })

  it('and says so after a restart, which forgot all votes', () => {
    const cluster = new PbftCluster(4)
    cluster.isolate('n4')
    for (let i = 0; i < 30; i++) {
      cluster.ask(['n1'])
      cluster.settle()
    }
    for (const id of ['n1', 'n2', 'n3']) cluster.replica(id).crash()
    cluster.flights = []
    for (const id of ['n1', 'n2', 'n3']) cluster.replica(id).restart()
    cluster.heal()
    cluster.pass(80)
    expect(cluster.replica('n4').notes).toContain('state-fetched')
    expect(cluster.replica('n4').core.state.lastExecuted).toBeGreaterThanOrEqual(30)
  })

  it('who fetched a state closes the gap with the batches behind it, and votes again', () => {
    const cluster = new PbftCluster(4)
    cluster.isolate('n4')
    for (let i = 0; i < 34; i++) {
      cluster.ask(['n1'])
      cluster.settle()
    }
    cluster.heal()
    cluster.pass(80)
    const n4 = cluster.replica('n4')
    expect(n4.core.state.snapshot?.index).toBeLessThan(34)
    expect(n4.core.state.lastExecuted).toBe(34)
    // Without n3 it is n4 on whom Q depends.
    cluster.replica('n3').crash()
    const [request] = cluster.ask(['n1'])
    cluster.pass(5)
    expect(cluster.timesExecuted(request!)).toBe(1)
  })
})

describe('parts', () => {
  it('22: one in the place of another is refused, although the tree has both, and so is a bent one', () => {
    const content = randomBytes(6, 4_000)
    const tree = treeOf(content)
    const plan = new Plan({ digest: tree.digest, bytes: content.length }, HASHING, 64)
    for (let names = plan.missing(); ; names = plan.missing()) {
      const nodes = names.filter((name) => tree.node(name) !== null)
      if (nodes.length === 0) break
      for (const name of nodes) expect(plan.take(name, partOf(content, tree, name)!)).toBe(true)
    }
    const names = plan.missing()
    expect(names.length).toBeGreaterThan(20)
    for (const [i, name] of names.entries()) {
      const other = names[(i + 1) % names.length]!
      expect(plan.take(name, partOf(content, tree, other)!)).toBe(false)
      const bent = partOf(content, tree, name)!.slice()
      bent[bent.length - 1]! ^= 1
      expect(plan.take(name, bent)).toBe(false)
    }
    expect(plan.missing()).toEqual(names)
    expect(plan.next()).toBeNull()
  })
})
