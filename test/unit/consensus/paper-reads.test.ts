/** Linearizable reads (§8, thesis §6.4) and leadership transfer (thesis §3.10): one test a rule. */
import { describe, expect, it } from 'vitest'
import type { Raft } from '../../../src/consensus/raft/index.js'
import { RaftCluster } from '../../support/raft-cluster.js'
import {
  accept,
  answers,
  append,
  coreOf,
  entriesOf,
  notes,
  persist,
  propose,
  receive,
  sends,
  sentOf,
  tick,
  toLeader,
  toPreCandidate,
} from '../../support/raft-core.js'

const START = { index: 1, term: 1 }
const READY = { type: 'ReadReady' }

let number = 0
function read(core: Raft) {
  return core.step({ type: 'Read', id: { incarnation: 1, number: ++number } })
}

function roundOf(core: Raft): number {
  return core.state.role.type === 'leader' ? core.state.role.round : -1
}

/** A leader of term 2 with its first entry committed. */
function readable(options = {}): Raft {
  const core = coreOf({ options })
  toLeader(core)
  persist(core)
  accept(core, 'n2', 2)
  accept(core, 'n3', 2)
  return core
}

describe('thesis §6.4 reads without writing', () => {
  it('a read waits until an entry of the own term is committed (§8)', () => {
    const core = coreOf()
    toLeader(core)
    expect(sends(read(core))).toEqual([])
    persist(core)
    const effects = accept(core, 'n2', 2)
    expect(notes(effects)).toContain('read-round-started')
    expect(answers(effects)).toEqual([])
    expect(answers(accept(core, 'n2', 2, { round: roundOf(core) }))).toEqual([
      { ...READY, index: 2 },
    ])
  })

  it('it is answered when a majority has echoed a round sent after it came', () => {
    const core = readable()
    const effects = read(core)
    const round = roundOf(core)
    expect(sentOf(effects, 'AppendEntries').map((m) => m.round)).toEqual([round, round])
    expect(answers(accept(core, 'n2', 2, { round: round - 1 }))).toEqual([])
    expect(answers(accept(core, 'n3', 2, { round }))).toEqual([{ ...READY, index: 2 }])
  })

  it('a rejection echoes as well: it says that the term still holds', () => {
    const core = readable()
    read(core)
    const effects = receive(core, 'n2', {
      type: 'AppendEntriesReply',
      term: 2,
      round: roundOf(core),
      incarnation: 5,
      accepted: false,
      rejected: 99,
      hint: START,
    })
    expect(answers(effects)).toEqual([{ ...READY, index: 2 }])
  })

  it('a read that comes while a round is out waits for the next', () => {
    const core = readable()
    read(core)
    const first = roundOf(core)
    expect(sends(read(core))).toEqual([])
    const effects = accept(core, 'n2', 2, { round: first })
    expect(answers(effects)).toHaveLength(1)
    expect(roundOf(core)).toBe(first + 1)
    expect(answers(accept(core, 'n3', 2, { round: first }))).toEqual([])
    expect(answers(accept(core, 'n3', 2, { round: first + 1 }))).toHaveLength(1)
  })

  it('it sees all that was committed when its round began, not less', () => {
    const core = readable()
    propose(core)
    persist(core)
    accept(core, 'n2', 3)
    read(core)
    expect(answers(accept(core, 'n2', 3, { round: roundOf(core) }))).toEqual([
      { ...READY, index: 3 },
    ])
  })

  it('an echo of a lower term is none', () => {
    const core = readable()
    read(core)
    expect(answers(accept(core, 'n2', 2, { round: roundOf(core), term: 1 }))).toEqual([])
  })

  it('a peer that restarts does not hold up the reads that wait', () => {
    const core = readable()
    read(core)
    const round = roundOf(core)
    accept(core, 'n2', 2, { round, incarnation: 6 })
    expect(answers(accept(core, 'n3', 2, { round }))).toEqual([{ ...READY, index: 2 }])
  })

  it('alone in its cluster a leader answers at once', () => {
    const core = coreOf({ members: ['n1'] })
    toLeader(core)
    expect(answers(read(core))).toEqual([])
    expect(answers(persist(core))).toEqual([{ ...READY, index: 2 }])
    expect(answers(read(core))).toEqual([{ ...READY, index: 2 }])
  })

  it('a leader that loses its office answers no read', () => {
    const core = readable()
    read(core)
    read(core)
    const effects = receive(core, 'n3', { type: 'RequestVoteReply', term: 9, voteGranted: false })
    expect(answers(effects)).toEqual([
      { type: 'NotLeader', leader: null },
      { type: 'NotLeader', leader: null },
    ])
    expect(answers(accept(core, 'n2', 2, { round: 99, term: 2 }))).toEqual([])
  })

  it('waiting reads are bounded', () => {
    const core = readable({ readsMax: 2 })
    for (let i = 0; i < 3; i++) expect(answers(read(core))).toEqual([])
    expect(answers(read(core))).toMatchObject([{ type: 'Overloaded' }])
  })

  it('heartbeats carry the round on, so a lost message holds no read up', () => {
    const core = readable()
    read(core)
    const rounds = sentOf(tick(core, 2), 'AppendEntries').map((m) => m.round)
    expect(rounds.every((round) => round === roundOf(core))).toBe(true)
  })
})

describe('thesis §6.4 reads at a follower', () => {
  function following(options = {}): Raft {
    const core = coreOf({ term: 2, options })
    append(core, { prev: START, entries: entriesOf(2, 2), leaderCommit: 2 })
    return core
  }

  function replyFor(core: Raft, index: number, term = 2) {
    const id = { incarnation: 1, number }
    return receive(core, 'n2', { type: 'ReadIndexReply', term, id, index })
  }

  it('it asks its leader and answers when that index is applied', () => {
    const core = following()
    expect(sends(read(core))).toMatchObject([{ to: 'n2', message: { type: 'ReadIndex', term: 2 } }])
    expect(answers(replyFor(core, 3))).toEqual([])
    const effects = append(core, {
      prev: { index: 2, term: 2 },
      entries: entriesOf(3, 2),
      leaderCommit: 3,
    })
    const order = effects.map((effect) => effect.type)
    expect(order.indexOf('Apply')).toBeLessThan(order.indexOf('Answer'))
    expect(answers(effects)).toEqual([{ ...READY, index: 3 }])
  })

  it('an index that is applied already is answered at once', () => {
    const core = following()
    read(core)
    expect(answers(replyFor(core, 2))).toEqual([{ ...READY, index: 2 }])
    expect(notes(replyFor(core, 2))).toEqual(['stale-reply'])
  })

  it('the answer of a leader of before does not count', () => {
    const core = following()
    read(core)
    append(core, { prev: START, term: 4 })
    expect(answers(replyFor(core, 2, 2))).toEqual([])
    expect(answers(replyFor(core, 2, 4))).toEqual([{ ...READY, index: 2 }])
  })

  it('an answer for another start of this node does not count', () => {
    const core = following()
    read(core)
    const id = { incarnation: 2, number }
    const effects = receive(core, 'n2', { type: 'ReadIndexReply', term: 2, id, index: 2 })
    expect(answers(effects)).toEqual([])
  })

  it('without an answer it asks again, and after an election timeout gives up', () => {
    const core = following()
    read(core)
    let asked = 0
    let given: unknown[] = []
    for (let i = 0; i < 11; i++) {
      const effects = tick(core)
      asked += sentOf(effects, 'ReadIndex').length
      given = [...given, ...answers(effects)]
      append(core, { prev: START })
    }
    expect(asked).toBe(5)
    expect(given).toEqual([{ type: 'NotLeader', leader: 'n2' }])
  })

  it('without a leader it says so', () => {
    const core = coreOf()
    expect(answers(read(core))).toEqual([{ type: 'NotLeader', leader: null }])
    toPreCandidate(core)
    expect(answers(read(core))).toEqual([{ type: 'NotLeader', leader: null }])
  })

  it('its reads end when it campaigns', () => {
    const core = following()
    // Asked late, so that it is the campaign that ends it and not its own patience.
    tick(core, 9)
    read(core)
    const effects = toPreCandidate(core)
    expect(core.state.role.type).toBe('pre-candidate')
    expect(answers(effects)).toEqual([{ type: 'NotLeader', leader: null }])
  })

  it('waiting reads are bounded', () => {
    const core = following({ readsMax: 1 })
    expect(answers(read(core))).toEqual([])
    expect(answers(read(core))).toMatchObject([{ type: 'Overloaded' }])
  })

  it('the leader answers it after a round, and sends the commit along', () => {
    const core = readable()
    const id = { incarnation: 8, number: 1 }
    propose(core)
    persist(core)
    accept(core, 'n2', 3)
    receive(core, 'n3', { type: 'ReadIndex', term: 2, id })
    const effects = accept(core, 'n2', 3, { round: roundOf(core) })
    expect(sends(effects).filter((sent) => sent.to === 'n3')).toMatchObject([
      { message: { type: 'ReadIndexReply', id, index: 3 } },
    ])
  })

  it('who does not lead drops it', () => {
    const core = following()
    const id = { incarnation: 8, number: 1 }
    expect(notes(receive(core, 'n3', { type: 'ReadIndex', term: 2, id }))).toEqual(['read-dropped'])
  })
})

describe('thesis §3.10 leadership transfer', () => {
  const transfer = (core: Raft, to: string) => core.step({ type: 'TransferLeadership', to })

  it('a successor with the whole log is told at once', () => {
    const core = readable()
    expect(sends(transfer(core, 'n3'))).toEqual([
      { to: 'n3', message: { type: 'TimeoutNow', term: 2 } },
    ])
  })

  it('one that is behind first gets the rest', () => {
    const core = readable()
    propose(core)
    expect(sentOf(transfer(core, 'n3'), 'TimeoutNow')).toEqual([])
    expect(sentOf(accept(core, 'n2', 3), 'TimeoutNow')).toEqual([])
    expect(sentOf(accept(core, 'n3', 3), 'TimeoutNow')).toHaveLength(1)
    expect(sentOf(accept(core, 'n3', 3), 'TimeoutNow')).toHaveLength(0)
  })

  it('no proposals meanwhile; after an election timeout it is given up', () => {
    const core = readable()
    transfer(core, 'n3')
    expect(answers(propose(core))).toMatchObject([{ type: 'Overloaded' }])
    tick(core, 5)
    accept(core, 'n2', 2)
    expect(notes(tick(core, 5))).toContain('transfer-aborted')
    expect(answers(propose(core))).toEqual([])
  })

  it('only to another voter, and only from a leader', () => {
    const core = readable()
    for (const to of ['n1', 'stranger'])
      expect(notes(transfer(core, to))).toEqual(['transfer-refused'])
    expect(notes(transfer(coreOf(), 'n2'))).toEqual(['transfer-refused'])
  })

  it('who is told campaigns at once, without a pre-vote, over the loyalty of the voters', () => {
    const core = coreOf({ term: 2 })
    tick(core)
    append(core, { prev: START })
    const effects = receive(core, 'n2', { type: 'TimeoutNow', term: 2 })
    expect(core.state).toMatchObject({ term: 3, role: { type: 'candidate' } })
    expect(sentOf(effects, 'RequestVote')).toMatchObject([{ transfer: true }, { transfer: true }])
  })

  it('who is no voter does not', () => {
    const core = coreOf({ term: 2, members: ['n2', 'n3'] })
    tick(core)
    append(core, { prev: START })
    receive(core, 'n2', { type: 'TimeoutNow', term: 2 })
    expect(core.state).toMatchObject({ term: 2, role: { type: 'follower' } })
  })

  it('a word of an older term is none', () => {
    const core = coreOf({ term: 5 })
    tick(core)
    receive(core, 'n2', { type: 'TimeoutNow', term: 4 })
    expect(core.state).toMatchObject({ term: 5, role: { type: 'follower' } })
  })

  it('leadership moves, and what was committed stays', () => {
    const c = new RaftCluster(['n1', 'n2', 'n3'])
    c.elect('n1')
    c.propose('n1', 2)
    c.settle()
    const committed = c.node('n1').core.state.commitIndex
    transfer(c.node('n1').core, 'n1')
    c.node('n1').step({ type: 'TransferLeadership', to: 'n3' })
    c.settle()
    expect(c.leader()?.id).toBe('n3')
    expect(c.node('n1').core.state.role.type).toBe('follower')
    expect(c.node('n3').core.state.commitIndex).toBe(committed + 1)
  })
})
