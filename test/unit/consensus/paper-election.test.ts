/** Elections: one test a rule, in the paper's order. */
import { describe, expect, it } from 'vitest'
import type { Message } from '../../../src/consensus/raft/index.js'
import {
  append,
  coreOf,
  entriesOf,
  logTerms,
  notes,
  persist,
  propose,
  receive,
  records,
  sends,
  sentOf,
  tick,
  toCandidate,
  toLeader,
  toPreCandidate,
} from '../../support/raft-core.js'

const UP_TO_DATE = { index: 1, term: 1 }

function voteFor(term: number, lastLog = UP_TO_DATE, transfer = false): Message {
  return { type: 'RequestVote', term, lastLog, transfer }
}

function vote(term: number, voteGranted: boolean): Message {
  return { type: 'RequestVoteReply', term, voteGranted }
}

function preVote(term: number, lastLog = UP_TO_DATE): Message {
  return { type: 'PreVote', term, lastLog }
}

const HIGHER: readonly Message[] = [
  voteFor(9),
  vote(9, false),
  vote(9, true),
  { type: 'PreVoteReply', term: 9, voteGranted: false },
  {
    type: 'AppendEntries',
    term: 9,
    prev: UP_TO_DATE,
    entries: [],
    leaderCommit: 0,
    round: 0,
    agreedTime: 0,
  },
  {
    type: 'AppendEntriesReply',
    term: 9,
    round: 0,
    incarnation: 1,
    accepted: true,
    matchIndex: 0,
  },
  { type: 'ReadIndex', term: 9, id: { incarnation: 1, number: 1 } },
  { type: 'ReadIndexReply', term: 9, id: { incarnation: 1, number: 1 }, index: 1 },
  { type: 'Forward', term: 9, requests: [] },
]

describe('§5.1 terms', () => {
  for (const message of HIGHER)
    it(`if ${message.type} has a higher term, it is adopted and the node follows`, () => {
      const core = coreOf({ term: 3 })
      toCandidate(core)
      const effects = receive(core, 'n2', message)
      expect(core.state).toMatchObject({ term: 9, role: { type: 'follower' } })
      expect(records(effects)[0]).toEqual({ type: 'HardState', term: 9, votedFor: null })
    })

  for (const message of HIGHER.filter((m) => m.type !== 'RequestVote'))
    it(`a leader that hears of a higher term in ${message.type} reverts to follower`, () => {
      const core = coreOf({ term: 3 })
      toLeader(core)
      receive(core, 'n2', message)
      expect(core.state).toMatchObject({ term: 9, role: { type: 'follower' }, votedFor: null })
    })

  it('a message of a lower term changes nothing; a request is refused with the own term', () => {
    for (const [message, reply] of [
      [voteFor(2), 'RequestVoteReply'],
      [preVote(2), 'PreVoteReply'],
      [{ ...(HIGHER[4] as Message), term: 2 }, 'AppendEntriesReply'],
    ] as const) {
      const core = coreOf({ term: 5 })
      const before = JSON.stringify(core.state)
      const effects = receive(core, 'n2', message as Message)
      expect(JSON.stringify(core.state)).toBe(before)
      expect(sends(effects)).toMatchObject([{ to: 'n2', message: { type: reply, term: 5 } }])
    }
  })

  it('an answer of a lower term is not counted', () => {
    const core = coreOf({ term: 5 })
    toCandidate(core)
    persist(core)
    receive(core, 'n2', vote(5, true))
    expect(core.state.role.type).toBe('candidate')
    receive(core, 'n2', vote(6, true))
    expect(core.state.role.type).toBe('leader')
  })
})

describe('§5.2 leader election', () => {
  it('a node starts as follower, in the term it had', () => {
    expect(coreOf({ term: 4, votedFor: 'n3' }).state).toMatchObject({
      term: 4,
      votedFor: 'n3',
      role: { type: 'follower', leader: null },
    })
  })

  it('a follower that hears from its leader stays a follower', () => {
    const core = coreOf({ term: 2 })
    for (let i = 0; i < 20; i++) {
      tick(core, 9)
      append(core, { prev: UP_TO_DATE })
    }
    expect(core.state).toMatchObject({ term: 2, role: { type: 'follower', leader: 'n2' } })
  })

  it('the election timeout is drawn anew from [T, 2T) and spreads', () => {
    const seen = new Set<number>()
    const core = coreOf({ term: 2 })
    for (let term = 3; term < 300; term++) {
      receive(core, 'n2', vote(term, false))
      seen.add(core.state.electionTimeout)
    }
    expect([...seen].sort((a, b) => a - b)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19])
  })

  it('to begin an election it increments its term, votes for itself and asks all others', () => {
    const core = coreOf({ term: 4 })
    const effects = toCandidate(core)
    expect(core.state).toMatchObject({ term: 5, votedFor: 'n1' })
    expect(records(effects)).toEqual([{ type: 'HardState', term: 5, votedFor: 'n1' }])
    expect(sends(effects).filter((sent) => sent.message.type === 'RequestVote')).toEqual([
      { to: 'n2', message: voteFor(5) },
      { to: 'n3', message: voteFor(5) },
    ])
  })

  it('RequestVote waits for the disk: it says that the own vote is given', () => {
    const effects = toCandidate(coreOf())
    const types = effects.flatMap((e) => (e.type === 'Persist' || e.type === 'Send' ? [e] : []))
    expect(types.map((e) => (e.type === 'Send' ? e.gate : 'Persist'))).toEqual([
      'Persist',
      'durable',
      'durable',
    ])
  })

  it('the own vote counts when it is on disk', () => {
    const core = coreOf({ members: ['n1'] })
    toCandidate(core)
    expect(core.state.role.type).toBe('candidate')
    persist(core)
    expect(core.state.role.type).toBe('leader')
  })

  it('a majority of the others does not make a leader whose own term is not on disk', () => {
    const core = coreOf()
    toCandidate(core)
    receive(core, 'n2', vote(2, true))
    receive(core, 'n3', vote(2, true))
    expect(core.state.role.type).toBe('candidate')
    persist(core)
    expect(core.state.role.type).toBe('leader')
  })

  it('votes are by voter, not a counter: the same vote twice is one', () => {
    const core = coreOf({ members: ['n1', 'n2', 'n3', 'n4', 'n5'] })
    toCandidate(core)
    persist(core)
    for (let i = 0; i < 5; i++) receive(core, 'n2', vote(2, true))
    expect(core.state.role.type).toBe('candidate')
    receive(core, 'n3', vote(2, true))
    expect(core.state.role.type).toBe('leader')
  })

  it('the first answer of a voter holds', () => {
    const core = coreOf({ members: ['n1', 'n2', 'n3', 'n4', 'n5'] })
    toCandidate(core)
    persist(core)
    receive(core, 'n2', vote(2, false))
    receive(core, 'n2', vote(2, true))
    receive(core, 'n3', vote(2, true))
    expect(core.state.role.type).toBe('candidate')
  })

  it('votes of nodes that are no voters do not count', () => {
    const core = coreOf()
    toCandidate(core)
    persist(core)
    receive(core, 'stranger', vote(2, true))
    receive(core, 'another', vote(2, true))
    expect(core.state.role.type).toBe('candidate')
  })

  for (const [members, yes, no, role] of [
    [3, 1, 0, 'leader'],
    [3, 0, 1, 'candidate'],
    [3, 0, 2, 'follower'],
    [4, 1, 0, 'candidate'],
    [4, 2, 0, 'leader'],
    [4, 1, 2, 'follower'],
    [5, 2, 2, 'leader'],
    [5, 1, 2, 'candidate'],
    [5, 1, 3, 'follower'],
    [2, 1, 0, 'leader'],
    [2, 0, 1, 'follower'],
  ] as const)
    it(`of ${members} voters ${yes + 1} for and ${no} against make a ${role}`, () => {
      const ids = Array.from({ length: members }, (_, i) => `n${i + 1}`)
      const core = coreOf({ members: ids })
      toCandidate(core)
      persist(core)
      for (let i = 0; i < no; i++) receive(core, `n${members - i}`, vote(2, false))
      for (let i = 0; i < yes; i++) receive(core, `n${i + 2}`, vote(2, true))
      expect(core.state.role.type).toBe(role)
    })

  it('a node votes for at most one candidate a term, first come, first served', () => {
    const core = coreOf({ term: 3 })
    const first = receive(core, 'n2', voteFor(4))
    expect(sentOf(first, 'RequestVoteReply')).toEqual([vote(4, true)])
    expect(records(first).at(-1)).toEqual({ type: 'HardState', term: 4, votedFor: 'n2' })
    expect(sentOf(receive(core, 'n3', voteFor(4)), 'RequestVoteReply')).toEqual([vote(4, false)])
    // Whoever has it may ask again: the answer may have been lost.
    const again = receive(core, 'n2', voteFor(4))
    expect(sentOf(again, 'RequestVoteReply')).toEqual([vote(4, true)])
    expect(records(again)).toEqual([])
  })

  it('a vote survives a restart', () => {
    const core = coreOf({ term: 4, votedFor: 'n2' })
    expect(sentOf(receive(core, 'n3', voteFor(4)), 'RequestVoteReply')).toEqual([vote(4, false)])
  })

  it('a vote leaves behind the record that holds it', () => {
    const effects = receive(coreOf({ term: 3 }), 'n2', voteFor(4))
    const at = (type: string) => effects.findIndex((effect) => effect.type === type)
    expect(at('Persist')).toBeGreaterThanOrEqual(0)
    expect(at('Persist')).toBeLessThan(at('Send'))
    expect(effects[at('Send')]).toMatchObject({ gate: 'durable' })
  })

  it('nobody votes in a term whose leader is known', () => {
    const core = coreOf({ term: 4 })
    append(core, { prev: UP_TO_DATE })
    tick(core, 9)
    expect(sentOf(receive(core, 'n3', voteFor(4)), 'RequestVoteReply')).toEqual([vote(4, false)])
  })

  it('a granted vote puts off the own election; a denied one does not', () => {
    const granted = coreOf({ term: 3 })
    tick(granted, 9)
    receive(granted, 'n2', voteFor(4))
    expect(granted.state.electionElapsed).toBe(0)
    const denied = coreOf({ term: 3, log: [3] })
    tick(denied, 9)
    receive(denied, 'n2', voteFor(4))
    expect(denied.state.electionElapsed).toBe(9)
  })

  it('a candidate that hears a leader of its term follows it', () => {
    const core = coreOf()
    toCandidate(core)
    append(core, { prev: UP_TO_DATE, term: 2 })
    expect(core.state).toMatchObject({ term: 2, role: { type: 'follower', leader: 'n2' } })
  })

  it('a candidate without a majority tries again after its timeout, in a new term', () => {
    const core = coreOf()
    toCandidate(core)
    persist(core)
    tick(core, 20)
    expect(core.state.role.type).toBe('pre-candidate')
    receive(core, 'n2', { type: 'PreVoteReply', term: 3, voteGranted: true })
    expect(core.state).toMatchObject({ term: 3, role: { type: 'candidate' } })
  })

  it('a request for a vote that got no answer is sent again', () => {
    const core = coreOf()
    toCandidate(core)
    persist(core)
    receive(core, 'n3', vote(2, false))
    const again = sends(tick(core, 2)).filter((sent) => sent.message.type === 'RequestVote')
    expect(again).toEqual([{ to: 'n2', message: voteFor(2) }])
  })

  it('a new leader appends an entry of its own term and sends it to all at once (§8)', () => {
    const core = coreOf({ log: [1, 1] })
    const effects = toLeader(core)
    expect(logTerms(core)).toEqual([1, 1, 1, 2])
    for (const message of sentOf(effects, 'AppendEntries'))
      expect(message).toMatchObject({
        term: 2,
        prev: { index: 3, term: 1 },
        entries: [{ index: 4, term: 2, requests: [] }],
      })
    expect(sentOf(effects, 'AppendEntries')).toHaveLength(2)
  })

  it('a leader sends heartbeats at their interval', () => {
    const core = coreOf()
    toLeader(core)
    expect(sentOf(tick(core, 1), 'AppendEntries')).toHaveLength(0)
    expect(sentOf(tick(core, 1), 'AppendEntries')).toHaveLength(2)
    expect(sentOf(tick(core, 4), 'AppendEntries')).toHaveLength(4)
  })

  it('a node around which no cluster has formed neither votes nor campaigns', () => {
    const core = coreOf({ members: [] })
    tick(core, 100)
    expect(core.state.role.type).toBe('follower')
    expect(sentOf(receive(core, 'n2', voteFor(4)), 'RequestVoteReply')).toEqual([vote(4, false)])
    expect(sentOf(receive(core, 'n2', preVote(5)), 'PreVoteReply')).toMatchObject([
      { voteGranted: false },
    ])
  })

  it('a node that is no voter does not campaign, but votes if asked', () => {
    const core = coreOf({ members: ['n2', 'n3'] })
    tick(core, 100)
    expect(core.state.role.type).toBe('follower')
    expect(core.status().role).toBe('learner')
    expect(sentOf(receive(core, 'n2', voteFor(4)), 'RequestVoteReply')).toEqual([vote(4, true)])
  })
})

describe('§5.4.1 only a log that is at least as up to date is voted for', () => {
  for (const [mine, theirs, granted] of [
    [[1, 1], { index: 3, term: 1 }, true],
    [[1, 1], { index: 4, term: 1 }, true],
    [[1, 1], { index: 2, term: 1 }, false],
    [[1, 1], { index: 2, term: 2 }, true],
    [[2], { index: 9, term: 1 }, false],
    [[1, 3], { index: 3, term: 2 }, false],
  ] as const)
    it(`own entries of terms ${mine.join()}, asked with ${theirs.index}@${theirs.term}`, () => {
      const ask = (message: Message) => receive(coreOf({ log: mine, term: 4 }), 'n2', message)
      expect(sentOf(ask(voteFor(5, theirs)), 'RequestVoteReply')).toEqual([vote(5, granted)])
      const pre = sentOf(ask(preVote(5, theirs)), 'PreVoteReply')
      expect(pre).toEqual([{ type: 'PreVoteReply', term: granted ? 5 : 4, voteGranted: granted }])
    })
})

describe('thesis §9.6 pre-vote', () => {
  it('a follower asks before it raises its term', () => {
    const core = coreOf({ term: 4 })
    const effects = toPreCandidate(core)
    expect(core.state).toMatchObject({ term: 4, votedFor: null })
    expect(records(effects)).toEqual([])
    expect(sends(effects)).toEqual([
      { to: 'n2', message: preVote(5) },
      { to: 'n3', message: preVote(5) },
    ])
  })

  it('a pre-vote changes nothing at the voter: no term, no vote, no timer', () => {
    const core = coreOf({ term: 4 })
    tick(core, 5)
    const before = JSON.stringify(core.state)
    const effects = receive(core, 'n2', preVote(7))
    expect(JSON.stringify(core.state)).toBe(before)
    expect(sends(effects)).toEqual([
      { to: 'n2', message: { type: 'PreVoteReply', term: 7, voteGranted: true } },
    ])
  })

  it('a grant for another term than the one asked for does not count', () => {
    const core = coreOf({ term: 4 })
    toPreCandidate(core)
    receive(core, 'n2', { type: 'PreVoteReply', term: 9, voteGranted: true })
    receive(core, 'n3', { type: 'PreVoteReply', term: 4, voteGranted: true })
    expect(core.state).toMatchObject({ term: 4, role: { type: 'pre-candidate' } })
  })

  it('a rejection with a higher term is adopted', () => {
    const core = coreOf({ term: 4 })
    toPreCandidate(core)
    receive(core, 'n2', { type: 'PreVoteReply', term: 8, voteGranted: false })
    expect(core.state).toMatchObject({ term: 8, role: { type: 'follower' } })
  })

  it('without a majority no term is begun, however long', () => {
    const core = coreOf({ term: 4 })
    for (let i = 0; i < 20; i++) tick(core, 20)
    expect(core.state).toMatchObject({ term: 4, role: { type: 'pre-candidate' } })
  })

  it('who has voted in a term would not vote for another in it', () => {
    const core = coreOf({ term: 5, votedFor: 'n3' })
    expect(sentOf(receive(core, 'n2', preVote(5)), 'PreVoteReply')).toEqual([
      { type: 'PreVoteReply', term: 5, voteGranted: false },
    ])
  })
})

describe('thesis §4.2.3 a voter stays loyal to a leader that it hears', () => {
  it('requests for votes and pre-votes of a higher term are ignored, the term is not raised', () => {
    const core = coreOf({ term: 4 })
    append(core, { prev: UP_TO_DATE })
    tick(core, 9)
    for (const message of [voteFor(9), preVote(9)]) {
      const effects = receive(core, 'n3', message)
      expect(notes(effects)).toEqual(['vote-ignored-leader-alive'])
      expect(sends(effects)).toEqual([])
    }
    expect(core.state.term).toBe(4)
  })

  it('after the minimum election timeout they are answered', () => {
    const core = coreOf({ term: 4 })
    append(core, { prev: UP_TO_DATE })
    while (core.state.electionElapsed < 10 && core.state.role.type === 'follower') tick(core)
    expect(sentOf(receive(core, 'n3', preVote(5)), 'PreVoteReply')).toMatchObject([
      { voteGranted: true },
    ])
  })

  it('a leader ignores them too', () => {
    const core = coreOf()
    toLeader(core)
    receive(core, 'n3', voteFor(9))
    expect(core.state).toMatchObject({ term: 2, role: { type: 'leader' } })
  })

  it('unless the leader itself asked for the election (thesis §3.10)', () => {
    const core = coreOf({ term: 4 })
    append(core, { prev: UP_TO_DATE })
    const effects = receive(core, 'n3', voteFor(5, UP_TO_DATE, true))
    expect(sentOf(effects, 'RequestVoteReply')).toEqual([vote(5, true)])
  })

  it('a node that is ahead in its term brings a leader behind it to follow, so that it is not shut out', () => {
    const core = coreOf({ term: 9 })
    const effects = append(core, { prev: UP_TO_DATE, term: 4, entries: entriesOf(2, 4) })
    expect(sends(effects)).toMatchObject([
      { to: 'n2', message: { type: 'AppendEntriesReply', term: 9, accepted: false } },
    ])
    expect(logTerms(core)).toEqual([1])
  })
})

describe('thesis §6.2 check-quorum', () => {
  function heard(core: ReturnType<typeof coreOf>, from: string): void {
    receive(core, from, {
      type: 'AppendEntriesReply',
      term: 2,
      round: 0,
      incarnation: 1,
      accepted: true,
      matchIndex: 1,
    })
  }

  it('a leader that hears no majority for an election timeout steps down', () => {
    const core = coreOf()
    toLeader(core)
    heard(core, 'n2')
    tick(core, 10)
    expect(core.state.role.type).toBe('leader')
    expect(notes(tick(core, 10))).toContain('stepped-down-without-quorum')
    expect(core.state).toMatchObject({ term: 2, role: { type: 'follower', leader: null } })
  })

  it('one that hears a majority stays', () => {
    const core = coreOf()
    toLeader(core)
    persist(core)
    for (let i = 0; i < 20; i++) {
      tick(core, 9)
      heard(core, 'n3')
    }
    expect(core.state.role.type).toBe('leader')
  })

  it('alone in its cluster it always has a majority', () => {
    const core = coreOf({ members: ['n1'] })
    toLeader(core)
    persist(core)
    tick(core, 100)
    expect(core.state.role.type).toBe('leader')
  })

  it('in its place it gives no hint, and its reads end', () => {
    const core = coreOf()
    toLeader(core)
    core.step({ type: 'Read', id: { incarnation: 1, number: 1 } })
    const effects = tick(core, 20)
    expect(effects).toContainEqual({
      type: 'Answer',
      id: { incarnation: 1, number: 1 },
      outcome: { type: 'NotLeader', leader: null },
    })
    expect(propose(core)).toMatchObject([{ outcome: { type: 'NotLeader', leader: null } }])
  })
})
