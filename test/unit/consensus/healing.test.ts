/** A node with a damaged log (docs/decisions/0004): one test a rule. */
import { describe, expect, it } from 'vitest'
import type { SnapshotMeta } from '../../../src/consensus/contract.js'
import { type Raft, raft, type WalRecord } from '../../../src/consensus/raft/index.js'
import type { FetchEntriesReply } from '../../../src/consensus/raft/messages.js'
import { TEST_OPTIONS } from '../../support/raft-cluster.js'
import {
  accept,
  append,
  appliedIndices,
  coreOf,
  type Effects,
  entriesOf,
  entry,
  logTerms,
  notes,
  persist,
  propose,
  receive,
  records,
  reject,
  replyOf,
  sends,
  sentOf,
  step,
  tick,
  toLeader,
} from '../../support/raft-core.js'

const MEMBERS = ['n1', 'n2', 'n3'].map((id) => ({ id, uid: `u-${id}` }))
const SELF = { id: 'n1', seed: 7, incarnation: 1001 }

/** Its entries from 2 on are of these terms; those from `from` to `through` were lost. In the last term. */
function damaged(
  log: readonly number[],
  from: number,
  through: number,
  extra: WalRecord[] = [],
): Raft {
  const formed = raft.bootstrap(MEMBERS)
  const hard: WalRecord = { type: 'HardState', term: log.at(-1) ?? 1, votedFor: null }
  const all = entriesOf(2, ...log)
  const whole = [formed, hard, { type: 'Append', entries: all } as const]
  const kept: WalRecord = { type: 'Append', entries: all.slice(0, from - 2) }
  const shape = raft.lost(raft.recover(whole, SELF, TEST_OPTIONS).core.shape())
  if (shape === null) throw new Error('no shape')
  const filled: WalRecord = { type: 'Filled', entries: all.slice(through - 1) }
  return raft.recover([formed, hard, kept, shape, filled, ...extra], SELF, TEST_OPTIONS).core
}

/** 1..7 of terms 1 1 2 2 3 3 3; the snapshot through 4 is lost. */
function withoutBase(): Raft {
  const found = entriesOf(2, 1, 2, 2, 3, 3, 3)
  const taken: WalRecord = { type: 'SnapshotTaken', snapshot: meta(4, 2) }
  return raft.recover(
    [
      raft.bootstrap(MEMBERS),
      { type: 'HardState', term: 3, votedFor: null },
      { type: 'Append', entries: found },
      taken,
      raft.snapshotLost(),
    ],
    SELF,
    TEST_OPTIONS,
  ).core
}

function meta(index: number, term: number, voters = ['n1', 'n2', 'n3']): SnapshotMeta {
  const members = voters.map((id) => ({ id, uid: `u-${id}` }))
  const rest = { votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false }
  return {
    index,
    term,
    time: 5,
    configuration: { members, voters, ...rest },
    digest: 'd',
    bytes: 1,
  }
}

function fetched(core: Raft, part: Partial<FetchEntriesReply>, from = 'n2'): Effects {
  return receive(core, from, {
    type: 'FetchEntriesReply',
    term: 1,
    incarnation: 5,
    entries: [],
    absent: [],
    snapshotAbsent: false,
    ...part,
  })
}

function holes(core: Raft): number[] {
  return core.state.log.holes
}

describe('votes', () => {
  const vote = (core: Raft, index: number, term: number) =>
    sentOf(
      receive(core, 'n2', {
        type: 'RequestVote',
        term: 9,
        lastLog: { index, term },
        transfer: false,
      }),
      'RequestVoteReply',
    )[0]?.voteGranted

  it('are denied to a candidate that lacks what was lost here', () => {
    expect(vote(damaged([1, 2, 2, 3], 3, 5), 4, 2)).toBe(false)
    expect(vote(damaged([1, 2, 2, 3], 3, 5), 2, 1)).toBe(false)
    expect(vote(withoutBase(), 6, 3)).toBe(false)
  })

  it('are given to one that has it', () => {
    expect(vote(damaged([1, 2, 2, 3], 3, 5), 5, 3)).toBe(true)
    expect(vote(withoutBase(), 7, 3)).toBe(true)
  })

  it('remember the vote that the shape told', () => {
    const formed = raft.bootstrap(MEMBERS)
    const voted: WalRecord = { type: 'HardState', term: 9, votedFor: 'n3' }
    const shape = raft.lost(raft.recover([formed, voted], SELF, TEST_OPTIONS).core.shape())
    if (shape === null) throw new Error('no shape')
    const { core } = raft.recover([formed, shape], SELF, TEST_OPTIONS)
    expect(vote(core, 9, 9)).toBe(false)
  })
})

describe('it never leads', () => {
  for (const [what, make] of [
    ['with a hole', () => damaged([1, 2, 2], 3, 3)],
    ['without its base', withoutBase],
  ] as const) {
    it(`${what} it asks for no vote, however long it waits`, () => {
      const effects = tick(make(), 300)
      expect(sentOf(effects, 'PreVote')).toEqual([])
      expect(sentOf(effects, 'RequestVote')).toEqual([])
    })

    it(`${what} it ignores TimeoutNow`, () => {
      const core = make()
      tick(core)
      const effects = receive(core, 'n2', { type: 'TimeoutNow', term: core.state.term })
      expect(sends(effects)).toEqual([])
      expect(core.state.role.type).toBe('follower')
    })
  }

  it('a leader that went silent is forgotten, though nobody campaigns here', () => {
    const core = damaged([1, 2, 2], 3, 3)
    append(core, { prev: { index: 2, term: 1 } })
    expect(core.status().leader).toBe('n2')
    tick(core, 2 * TEST_OPTIONS.electionTicks)
    expect(core.status().leader).toBe(null)
  })

  it('healed it campaigns as any other', () => {
    const core = damaged([1, 2, 2], 3, 3)
    fetched(core, { entries: [entry(3, 2)] })
    expect(sentOf(tick(core, 30), 'PreVote')).not.toEqual([])
  })
})

describe('AppendEntries', () => {
  const terms = [1, 2, 2, 3]

  for (const prev of [
    { index: 3, term: 2 },
    { index: 4, term: 2 },
    { index: 5, term: 3 },
  ])
    it(`behind the first hole is refused: prev ${prev.index}`, () => {
      const core = damaged(terms, 3, 4)
      const reply = replyOf(
        append(core, { prev, entries: [entry(prev.index + 1, 3)], leaderCommit: 9 }),
      )
      expect(reply).toMatchObject({
        accepted: false,
        rejected: prev.index,
        hint: { index: 2, term: 1 },
      })
      expect(core.state.commitIndex).toBe(1)
      expect(holes(core)).toEqual([3, 4])
    })

  it('the hint leads the leader to the entry before the hole, in one step', () => {
    const leader = coreOf({ log: terms })
    toLeader(leader)
    persist(leader)
    accept(leader, 'n2', 6)
    const { term } = leader.state
    reject(leader, 'n3', 5, { index: 2, term: 1 })
    expect(sentOf(tick(leader, 2), 'AppendEntries').at(-1)).toMatchObject({
      term,
      prev: { index: 2 },
    })
  })

  it('with the entry of a hole fills it, and is acknowledged so far', () => {
    const core = damaged(terms, 3, 4)
    const effects = append(core, {
      prev: { index: 2, term: 1 },
      entries: [entry(3, 2)],
      leaderCommit: 5,
    })
    expect(records(effects)).toMatchObject([{ type: 'Filled', entries: [{ index: 3 }] }])
    expect(replyOf(effects)).toMatchObject({ accepted: true, matchIndex: 3 })
    expect(appliedIndices(effects)).toEqual([2, 3])
    expect(logTerms(core)).toEqual([1, 1, 2, 2, 3])
    expect(holes(core)).toEqual([4])
  })

  it('with all of them heals, and asks for a snapshot once that is applied', () => {
    const core = damaged(terms, 3, 4)
    const prev = { index: 2, term: 1 }
    const effects = append(core, { prev, entries: entriesOf(3, 2, 2, 3), leaderCommit: 5 })
    expect(notes(effects)).toContain('log-healed')
    expect(replyOf(effects)).toMatchObject({ accepted: true, matchIndex: 5 })
    expect(effects).toContainEqual(
      expect.objectContaining({
        type: 'TakeSnapshot',
        snapshot: expect.objectContaining({ index: 5 }),
      }),
    )
    const taken = step(core, { type: 'SnapshotTaken', snapshot: meta(5, 3) })
    // No tail is kept: the damage lies in it.
    expect(taken).toContainEqual({ type: 'Release', through: 5 })
  })

  it('what was filled counts as ours when it is on disk again, and not before', () => {
    const core = damaged(terms, 3, 4)
    fetched(core, { entries: entriesOf(3, 2, 2) })
    expect(core.state).toMatchObject({ repair: null, durableIndex: 2 })
    // Not for a leader's own count either: another batch that is on disk vouches for nothing of it.
    toLeader(core)
    expect(core.state.role.type).toBe('leader')
    const again = damaged(terms, 3, 4)
    receive(again, 'n2', {
      type: 'RequestVote',
      term: 7,
      lastLog: { index: 9, term: 6 },
      transfer: false,
    })
    fetched(again, { entries: entriesOf(3, 2, 2) })
    step(again, { type: 'Persisted', batch: 1 })
    expect(again.state).toMatchObject({ batch: 2, durableIndex: 2 })
    persist(again)
    expect(again.state.durableIndex).toBe(5)
  })

  it('that conflicts truncates, holes too', () => {
    const core = damaged(terms, 3, 4)
    core.step({ type: 'Tick', now: 1, nextDeadline: null })
    const effects = append(core, { term: 7, prev: { index: 2, term: 1 }, entries: [entry(3, 7)] })
    expect(notes(effects)).toContain('log-healed')
    expect(logTerms(core)).toEqual([1, 1, 7])
    expect(core.status().missing).toBe(0)
  })

  it('to a node without its base says no, whatever it brings', () => {
    const core = withoutBase()
    for (const index of [0, 4, 7]) {
      const prev = { index, term: [0, 1, 1, 2, 2, 3, 3, 3][index] ?? 0 }
      const reply = replyOf(append(core, { prev, leaderCommit: 7 }))
      expect(reply).toMatchObject({ accepted: false, rejected: index, hint: { index: 0, term: 0 } })
    }
    expect(core.state.commitIndex).toBe(0)
  })
})

describe('asking', () => {
  it('goes to one peer after the other, more slowly while nothing comes back', () => {
    const core = damaged([1, 2, 2], 3, 4)
    const asked: { to: string; at: number }[] = []
    for (let at = 1; at <= 60; at++)
      for (const { to, message } of sends(tick(core)))
        if (message.type === 'FetchEntries') asked.push({ to, at })
    expect(asked.slice(0, 4)).toEqual([
      { to: 'n2', at: 2 },
      { to: 'n3', at: 6 },
      { to: 'n2', at: 14 },
      { to: 'n3', at: 24 },
    ])
  })

  it('names the holes by index and term, and no more than 64 at once', () => {
    const lost = damaged(
      Array.from({ length: 200 }, (_, i) => (i < 50 ? 2 : 3)),
      20,
      190,
    )
    const seen = new Set<number>()
    for (const ask of sentOf(tick(lost, 300), 'FetchEntries')) {
      expect(ask.wanted.length).toBeLessThanOrEqual(64)
      expect(ask.wanted[0]).toEqual({ index: 20, term: 2 })
      for (const id of ask.wanted) {
        expect(id.term).toBe(id.index < 52 ? 2 : 3)
        seen.add(id.index)
      }
    }
    // Nothing comes back, so each is asked for in its turn.
    expect(seen.size).toBe(171)
  })

  it('goes on at once with whom had something', () => {
    const core = damaged([1, 2, 2], 3, 4)
    const effects = fetched(core, { entries: [entry(4, 2)] }, 'n3')
    expect(sends(effects)).toMatchObject([
      { to: 'n3', message: { type: 'FetchEntries', wanted: [{ index: 3, term: 2 }] } },
    ])
  })

  it('an entry of another term, or where no hole is, fills nothing', () => {
    const core = damaged([1, 2, 2], 3, 4)
    const effects = fetched(core, { entries: [entry(2, 1), entry(3, 3), entry(4, 3), entry(5, 3)] })
    expect(records(effects)).toEqual([])
    expect(holes(core)).toEqual([3, 4])
  })

  it('moves no term, whatever the answer carries', () => {
    const core = damaged([1, 2, 2], 3, 4)
    fetched(core, { term: 99, entries: [entry(3, 2)] })
    expect(core.state.term).toBe(2)
    expect(holes(core)).toEqual([4])
  })

  it('an answer to a whole node is old news', () => {
    expect(notes(fetched(coreOf({ log: [2] }), { entries: [entry(2, 2)] }))).toEqual([
      'stale-reply',
    ])
  })
})

describe('answering', () => {
  function ask(core: Raft, wanted: [number, number][], snapshotAtLeast = 0): Effects {
    return receive(core, 'n3', {
      type: 'FetchEntries',
      term: 1,
      wanted: wanted.map(([index, term]) => ({ index, term })),
      snapshotAtLeast,
    })
  }
  const answer = (effects: Effects) => sentOf(effects, 'FetchEntriesReply')[0]

  it('gives the very entries, in any role, and tells which it has not', () => {
    for (const lead of [false, true]) {
      const core = coreOf({ log: [1, 2, 2] })
      if (lead) toLeader(core)
      const reply = answer(
        ask(core, [
          [2, 1],
          [3, 1],
          [4, 2],
          [9, 2],
        ]),
      )
      expect(reply?.entries.map((e) => e.index)).toEqual([2, 4])
      expect(reply?.absent).toEqual([
        { index: 3, term: 1 },
        { index: 9, term: 2 },
      ])
    }
  })

  it('a hole of its own is absent', () => {
    const reply = answer(
      ask(damaged([1, 2, 2], 3, 3), [
        [3, 2],
        [4, 2],
      ]),
    )
    expect(reply).toMatchObject({ entries: [{ index: 4 }], absent: [{ index: 3 }] })
  })

  it('keeps within the bytes of a message, but one always goes', () => {
    const core = coreOf({ log: [2, 2, 2], options: { appendBytesMax: 1 } })
    const reply = answer(
      ask(core, [
        [2, 2],
        [3, 2],
        [4, 2],
      ]),
    )
    expect(reply).toMatchObject({ entries: [{ index: 2 }], absent: [] })
  })

  /** Alone in its term, 2..4 under its snapshot, 5 and 6 behind it. */
  function compacted(): Raft {
    const core = coreOf({ options: { keepEntries: 0 } })
    toLeader(core)
    for (let i = 0; i < 4; i++) propose(core)
    persist(core)
    accept(core, 'n2', 6)
    step(core, { type: 'SnapshotTaken', snapshot: meta(4, 2) })
    return core
  }

  it('what is under its snapshot comes as that snapshot, once', () => {
    const core = compacted()
    const first = ask(core, [
      [3, 2],
      [5, 2],
    ])
    expect(first).toContainEqual(expect.objectContaining({ type: 'SendSnapshot', to: 'n3' }))
    expect(answer(first)).toMatchObject({
      entries: [{ index: 5 }],
      absent: [],
      snapshotAbsent: false,
    })
    const again = () => ask(core, [[3, 2]]).some((effect) => effect.type === 'SendSnapshot')
    expect(again()).toBe(false)
    step(core, { type: 'SnapshotFailed', snapshot: meta(4, 2), peer: 'n3' })
    expect(again()).toBe(true)
  })

  it('a follower sends its snapshot too, and after a while once more', () => {
    const core = compacted()
    append(core, { term: 8, prev: { index: 6, term: 2 } })
    const sent = () => ask(core, [[3, 2]]).some((effect) => effect.type === 'SendSnapshot')
    expect([sent(), sent()]).toEqual([true, false])
    tick(core, 10 * TEST_OPTIONS.electionTicks)
    expect(sent()).toBe(true)
  })

  it('asked for a snapshot that it could take it takes one; that it could not, it says so', () => {
    const core = compacted()
    const taking = ask(core, [], 6)
    expect(taking).toContainEqual(
      expect.objectContaining({
        type: 'TakeSnapshot',
        snapshot: expect.objectContaining({ index: 6 }),
      }),
    )
    expect(answer(taking)?.snapshotAbsent).toBe(false)
    expect(ask(core, [], 6).some((effect) => effect.type === 'TakeSnapshot')).toBe(false)
    const beyond = ask(core, [], 7)
    expect(answer(beyond)?.snapshotAbsent).toBe(true)
  })

  it('moves no term and no timer', () => {
    const core = coreOf({ log: [2] })
    tick(core, 5)
    receive(core, 'n3', { type: 'FetchEntries', term: 99, wanted: [], snapshotAtLeast: 0 })
    expect(core.state).toMatchObject({ term: 2, electionElapsed: 5 })
  })
})

describe('a snapshot of a peer', () => {
  function received(core: Raft, snapshot: SnapshotMeta): Effects {
    return step(core, { type: 'SnapshotReceived', from: 'n3', snapshot })
  }

  it('over the holes takes their place; what lies behind stays', () => {
    const core = damaged([1, 2, 2, 3, 3], 3, 4)
    const effects = received(core, meta(4, 2))
    expect(records(effects)).toMatchObject([{ type: 'SnapshotTaken', snapshot: { index: 4 } }])
    expect(effects.map((effect) => effect.type)).toContain('Restore')
    expect(core.state.log).toMatchObject({ offset: { index: 4, term: 2 }, holes: [] })
    expect(logTerms(core)).toEqual([3, 3])
    expect(core.state).toMatchObject({
      commitIndex: 4,
      lastApplied: 4,
      durableIndex: 6,
      repair: null,
    })
  })

  it('over some of them leaves the rest', () => {
    const core = damaged([1, 2, 2, 3, 3], 3, 5)
    received(core, meta(4, 2))
    expect(holes(core)).toEqual([5])
    expect(core.state).toMatchObject({ commitIndex: 4, durableIndex: 4 })
  })

  it('below them is as good as ever', () => {
    const core = damaged([1, 1, 2, 2], 4, 4)
    received(core, meta(3, 1))
    expect(core.state).toMatchObject({ commitIndex: 3, lastApplied: 3 })
    expect(holes(core)).toEqual([4])
  })

  it('that contradicts the log replaces it', () => {
    const core = damaged([1, 2, 2], 3, 3)
    received(core, meta(3, 9))
    expect(core.state.log).toMatchObject({ entries: [], offset: { index: 3, term: 9 }, holes: [] })
  })

  it('at or above a lost one heals it', () => {
    for (const [index, term] of [
      [4, 2],
      [6, 3],
    ] as const) {
      const core = withoutBase()
      received(core, meta(index, term))
      expect(core.state.log).toMatchObject({ offset: { index, term }, lostBase: null })
      expect(core.state).toMatchObject({ commitIndex: index, lastApplied: index, durableIndex: 7 })
      expect(core.status()).toMatchObject({ missing: 0, lastIndex: 7 })
    }
  })

  it('below a lost one is not taken: what lies behind that one was acknowledged', () => {
    const core = withoutBase()
    const effects = received(core, meta(3, 2))
    expect(notes(effects)).toEqual(['snapshot-refused'])
    expect(core.status()).toMatchObject({ missing: 4, lastIndex: 7 })
  })

  it('of a configuration without this node is not taken (rule 23)', () => {
    const core = coreOf({ log: [2] })
    const effects = received(core, meta(9, 2, ['n2', 'n3']))
    expect(notes(effects)).toEqual(['snapshot-refused'])
    expect(core.state.log.snapshot).toBe(null)
  })
})

describe('when nobody has it', () => {
  const LONG = 10 * TEST_OPTIONS.electionTicks

  function told(core: Raft, ...from: string[]): string[] {
    for (const peer of from) fetched(core, { absent: [{ index: 3, term: 2 }] }, peer)
    return notes(tick(core, LONG + 1))
  }

  it('it says so, once, when all others have said that they lack it and no leader was heard', () => {
    const core = damaged([1, 2, 2], 3, 4)
    expect(told(core, 'n2', 'n3').filter((event) => event === 'repair-hopeless')).toHaveLength(1)
    expect(told(core, 'n2', 'n3')).not.toContain('repair-hopeless')
  })

  it('not while one has not answered', () => {
    expect(told(damaged([1, 2, 2], 3, 4), 'n2')).not.toContain('repair-hopeless')
  })

  it('not while one lacks another entry', () => {
    const core = damaged([1, 2, 2], 3, 4)
    fetched(core, { absent: [{ index: 4, term: 2 }] }, 'n2')
    expect(told(core, 'n3')).not.toContain('repair-hopeless')
  })

  it('not while a leader is heard', () => {
    const core = damaged([1, 2, 2], 3, 4)
    fetched(core, { absent: [{ index: 3, term: 2 }] }, 'n2')
    fetched(core, { absent: [{ index: 3, term: 2 }] }, 'n3')
    for (let i = 0; i < 30; i++) {
      expect(notes(tick(core, LONG / 10))).not.toContain('repair-hopeless')
      append(core, { prev: { index: 2, term: 1 } })
    }
  })

  it('a lost snapshot is lost when nobody has one that reaches so far', () => {
    const core = withoutBase()
    for (const peer of ['n2', 'n3']) fetched(core, { snapshotAbsent: true }, peer)
    expect(notes(tick(core, LONG + 1))).toContain('repair-hopeless')
  })
})
