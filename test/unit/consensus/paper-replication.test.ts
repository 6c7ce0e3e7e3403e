/** Log replication and the commit rule: one test a rule, in the paper's order. */
import { describe, expect, it } from 'vitest'
import { TEST_OPTIONS } from '../../support/raft-cluster.js'
import {
  accept,
  answers,
  append,
  appliedIndices,
  coreOf,
  entriesOf,
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
  tick,
  toLeader,
} from '../../support/raft-core.js'

const START = { index: 1, term: 1 }

/** A leader of term 2 whose own entry 2 is on its disk, and whose peers have it. */
function leaderWithPeers(options = {}) {
  const core = coreOf({ options })
  toLeader(core)
  persist(core)
  accept(core, 'n2', 2)
  accept(core, 'n3', 2)
  return core
}

describe('§5.3 log replication, the leader', () => {
  it('appends what is proposed and sends it to all in parallel with its own disk write', () => {
    const core = leaderWithPeers()
    const effects = propose(core, 3)
    const kinds = effects.flatMap((e) => (e.type === 'Send' || e.type === 'Persist' ? e.type : []))
    expect(kinds).toEqual(['Send', 'Send', 'Persist'])
    for (const sent of effects)
      if (sent.type === 'Send') expect(sent).toMatchObject({ gate: 'none' })
    expect(sentOf(effects, 'AppendEntries')[0]).toMatchObject({
      term: 2,
      prev: { index: 2, term: 2 },
      entries: [{ index: 3, term: 2, requests: [{ seq: 1 }, { seq: 2 }, { seq: 3 }] }],
    })
  })

  it('a follower that handed requests on hears of their commit as soon as it has the entry', () => {
    const core = leaderWithPeers()
    const requests = [{ session: 1, seq: 1, ackedThrough: 0, command: new Uint8Array(1) }]
    receive(core, 'n3', { type: 'Forward', term: 2, requests })
    persist(core)
    // n2 makes the majority; n3 could not commit what it has not acknowledged.
    const news = (effects: ReturnType<typeof accept>) =>
      sends(effects).filter(
        ({ message }) => message.type === 'AppendEntries' && message.leaderCommit === 3,
      )
    expect(news(accept(core, 'n2', 3))).toEqual([])
    expect(core.state.commitIndex).toBe(3)
    expect(news(accept(core, 'n3', 3)).map(({ to }) => to)).toEqual(['n3'])
    // Once; the others hear of it with the next entries or tick.
    expect(news(accept(core, 'n3', 3))).toEqual([])
    propose(core, 1)
    persist(core)
    expect(sends(accept(core, 'n3', 4)).map(({ message }) => message.type)).toEqual([])
  })

  it('whoever does not lead appends nothing and names the leader', () => {
    const core = coreOf({ term: 3 })
    append(core, { prev: START })
    const effects = propose(core, 2)
    const outcome = { type: 'NotLeader', leader: 'n2' }
    expect(answers(effects)).toEqual([outcome, outcome])
    expect(effects).toHaveLength(2)
  })

  it('an entry is committed when a majority has it on disk, and then applied', () => {
    const core = leaderWithPeers()
    propose(core)
    persist(core)
    expect(core.state.commitIndex).toBe(2)
    expect(appliedIndices(accept(core, 'n3', 3))).toEqual([3])
    expect(core.state.commitIndex).toBe(3)
  })

  it('the leader counts itself only when its own write is on disk', () => {
    const core = leaderWithPeers()
    propose(core)
    accept(core, 'n2', 3)
    expect(core.state.commitIndex).toBe(2)
    persist(core)
    expect(core.state.commitIndex).toBe(3)
  })

  it('alone in its cluster too (etcd 14370)', () => {
    const core = coreOf({ members: ['n1'] })
    toLeader(core)
    persist(core)
    expect(appliedIndices(propose(core))).toEqual([])
    expect(appliedIndices(persist(core))).toEqual([3])
  })

  it('a majority of the others commits before the own disk', () => {
    const core = leaderWithPeers()
    propose(core)
    accept(core, 'n2', 3)
    accept(core, 'n3', 3)
    expect(core.state.commitIndex).toBe(3)
  })

  it('match only moves up: a late acknowledgement of less changes nothing', () => {
    const core = leaderWithPeers()
    propose(core)
    accept(core, 'n2', 3)
    accept(core, 'n2', 2)
    expect(core.status().matchIndex.get('n2')).toBe(3)
    persist(core)
    expect(core.state.commitIndex).toBe(3)
  })

  it('a late rejection below the match changes nothing', () => {
    const core = leaderWithPeers()
    propose(core)
    accept(core, 'n2', 3)
    expect(notes(reject(core, 'n2', 2, { index: 1, term: 1 }))).toEqual(['stale-reply'])
    expect(core.status().matchIndex.get('n2')).toBe(3)
  })

  it('an answer of somebody who is no replica changes nothing', () => {
    const core = leaderWithPeers()
    propose(core)
    persist(core)
    accept(core, 'stranger', 3)
    expect(core.state.commitIndex).toBe(2)
  })

  it('followers learn of a commit within a tick', () => {
    const core = leaderWithPeers()
    tick(core, 2)
    propose(core)
    persist(core)
    accept(core, 'n2', 3)
    const news = sends(tick(core)).filter((sent) => sent.to === 'n2')
    expect(news).toMatchObject([{ message: { type: 'AppendEntries', leaderCommit: 3 } }])
  })

  it('a leader never overwrites or deletes entries of its own log', () => {
    const core = coreOf({ log: [1, 1, 2, 2] })
    toLeader(core)
    reject(core, 'n2', 5, { index: 1, term: 1 })
    reject(core, 'n3', 5, { index: 0, term: 0 })
    expect(logTerms(core)).toEqual([1, 1, 1, 2, 2, 3])
  })

  it('requests are put into entries of bounded size', () => {
    const core = leaderWithPeers({ entryBytesMax: 100, entryRequestsMax: 3 })
    propose(core, 7, 1)
    propose(core, 4, 60)
    propose(core, 1, 500)
    const sizes = core.state.log.entries.slice(2).map((one) => one.requests.length)
    expect(sizes).toEqual([3, 3, 1, 1, 1, 1, 1, 1])
  })
})

describe('§5.3 the follower', () => {
  it('refuses what does not follow an entry it has, and changes nothing', () => {
    for (const [log, prev] of [
      [[1, 1], { index: 4, term: 1 }],
      [[1, 1], { index: 3, term: 2 }],
      [[], { index: 9, term: 2 }],
    ] as const) {
      const core = coreOf({ log, term: 3 })
      const effects = append(core, { prev, entries: entriesOf(prev.index + 1, 3) })
      expect(replyOf(effects)).toMatchObject({ accepted: false, rejected: prev.index })
      expect(records(effects)).toEqual([])
      expect(logTerms(core)).toEqual([1, ...log])
    }
  })

  it('accepts the log after the entry that matches, and tells how far it agrees', () => {
    const core = coreOf({ log: [1, 1], term: 2 })
    const effects = append(core, { prev: { index: 3, term: 1 }, entries: entriesOf(4, 2, 2) })
    expect(replyOf(effects)).toMatchObject({ accepted: true, matchIndex: 5 })
    expect(logTerms(core)).toEqual([1, 1, 1, 2, 2])
  })

  it('its answer waits for the disk', () => {
    const core = coreOf({ term: 2 })
    const effects = append(core, { prev: START, entries: entriesOf(2, 2) })
    const kinds = effects.flatMap((e) => (e.type === 'Send' || e.type === 'Persist' ? e.type : []))
    expect(kinds).toEqual(['Persist', 'Send'])
    expect(effects.find((e) => e.type === 'Send')).toMatchObject({ gate: 'durable' })
  })

  it('does not vouch for entries behind those of the message', () => {
    const core = coreOf({ log: [1, 1, 1, 1], term: 2 })
    const effects = append(core, { prev: START, entries: entriesOf(2, 1) })
    expect(replyOf(effects)).toMatchObject({ matchIndex: 2 })
    expect(replyOf(append(core, { prev: { index: 3, term: 1 } }))).toMatchObject({ matchIndex: 3 })
  })

  it('a shorter message is an old one: it truncates nothing', () => {
    const core = coreOf({ term: 2 })
    append(core, { prev: START, entries: entriesOf(2, 2, 2, 2) })
    for (const part of [
      { prev: START, entries: entriesOf(2, 2) },
      { prev: START },
      { prev: { index: 0, term: 0 } },
      { prev: { index: 2, term: 2 }, entries: entriesOf(3, 2) },
    ]) {
      expect(records(append(core, part))).toEqual([])
      expect(logTerms(core)).toEqual([1, 2, 2, 2])
    }
  })

  it('from the first entry that conflicts on, its own are replaced', () => {
    const core = coreOf({ log: [2, 2, 2, 2], term: 4 })
    const effects = append(core, { prev: START, entries: entriesOf(2, 2, 3, 4) })
    expect(logTerms(core)).toEqual([1, 2, 3, 4])
    expect(records(effects)).toMatchObject([
      {
        type: 'Append',
        entries: [
          { index: 3, term: 3 },
          { index: 4, term: 4 },
        ],
      },
    ])
    expect(notes(effects)).toContain('log-truncated')
  })

  for (const [leaderCommit, entries, commit] of [
    [1, 3, 1],
    [2, 3, 2],
    [4, 3, 4],
    [9, 3, 4],
    [9, 0, 1],
    [9, 1, 2],
  ] as const)
    it(`commits min(leaderCommit ${leaderCommit}, last of ${entries} new entries)`, () => {
      // Its own tail behind the message may still differ from the leader's.
      const core = coreOf({ log: [2, 2, 2, 2, 2, 2], term: 2 })
      const sent = entriesOf(2, ...Array.from({ length: entries }, () => 2))
      append(core, { prev: START, entries: sent, leaderCommit })
      expect(core.state.commitIndex).toBe(commit)
      expect(core.state.lastApplied).toBe(commit)
    })

  it('commitIndex does not fall when a leader knows less', () => {
    const core = coreOf({ log: [2, 2], term: 2 })
    append(core, { prev: { index: 3, term: 2 }, leaderCommit: 3 })
    append(core, { prev: { index: 3, term: 2 }, leaderCommit: 1 })
    expect(core.state.commitIndex).toBe(3)
  })

  it('what is below its commit is acknowledged up to the commit', () => {
    const core = coreOf({ log: [2, 2, 2], term: 2 })
    append(core, { prev: { index: 4, term: 2 }, leaderCommit: 4 })
    const effects = append(core, { prev: START, entries: entriesOf(2, 2) })
    expect(replyOf(effects)).toMatchObject({ accepted: true, matchIndex: 4 })
  })

  it('the hint is its last entry that could match: whole terms are skipped', () => {
    const hintOf = (log: readonly number[], prev: { index: number; term: number }) =>
      replyOf(append(coreOf({ log, term: 9 }), { prev }))
    // Shorter than the leader's.
    expect(hintOf([2, 2], { index: 8, term: 3 })).toMatchObject({ hint: { index: 3, term: 2 } })
    // As long, but of later terms than the leader's prev.
    expect(hintOf([2, 2, 5, 5, 5], { index: 6, term: 3 })).toMatchObject({
      hint: { index: 3, term: 2 },
    })
  })

  it('applies in order, each entry once', () => {
    const core = coreOf({ log: [2, 2, 2, 2], term: 2 })
    const prev = { index: 5, term: 2 }
    expect(appliedIndices(append(core, { prev, leaderCommit: 3 }))).toEqual([2, 3])
    expect(appliedIndices(append(core, { prev, leaderCommit: 3 }))).toEqual([])
    expect(appliedIndices(append(core, { prev, leaderCommit: 5 }))).toEqual([4, 5])
  })
})

describe('§5.3 finding where two logs agree', () => {
  it('a probe waits for its answer; a heartbeat asks again', () => {
    const core = coreOf()
    toLeader(core)
    expect(sentOf(propose(core), 'AppendEntries')).toEqual([])
    expect(sentOf(tick(core, 2), 'AppendEntries')).toMatchObject([
      { prev: START, entries: [] },
      { prev: START, entries: [] },
    ])
  })

  it('after a rejection the next probe is where the hint leads', () => {
    const core = coreOf({ log: [1, 1, 1, 3, 3, 3] })
    toLeader(core)
    const effects = reject(core, 'n2', 7, { index: 6, term: 2 })
    expect(sentOf(effects, 'AppendEntries')).toMatchObject([{ prev: { index: 4, term: 1 } }])
  })

  it('a rejection of something else than the probe is old', () => {
    const core = coreOf({ log: [1, 1, 1, 3, 3, 3] })
    toLeader(core)
    reject(core, 'n2', 7, { index: 6, term: 2 })
    expect(sends(reject(core, 'n2', 7, { index: 2, term: 1 }))).toEqual([])
  })

  it('every rejection of a probe moves it down, whatever the hint', () => {
    for (const hint of [
      { index: 7, term: 9 },
      { index: 99, term: 3 },
      { index: 7, term: 3 },
    ]) {
      const core = coreOf({ log: [1, 1, 1, 3, 3, 3] })
      toLeader(core)
      const [message] = sentOf(reject(core, 'n2', 7, hint), 'AppendEntries')
      expect(message?.prev.index).toBeLessThan(7)
    }
  })

  it('the first match opens the pipeline', () => {
    const core = coreOf()
    toLeader(core)
    propose(core)
    propose(core)
    const effects = accept(core, 'n2', 2)
    expect(sentOf(effects, 'AppendEntries')).toMatchObject([{ entries: [{}, {}] }])
    expect(sentOf(propose(core), 'AppendEntries')).toMatchObject([{ prev: { index: 4 } }])
  })

  it('within the window messages go out without waiting; beyond it they wait', () => {
    const core = leaderWithPeers()
    const sent = () => sends(propose(core)).filter((one) => one.to === 'n2').length
    expect([sent(), sent(), sent(), sent(), sent(), sent()]).toEqual([1, 1, 1, 1, 0, 0])
    const effects = accept(core, 'n2', 3)
    expect(sentOf(effects, 'AppendEntries')).toMatchObject([{ entries: [{ index: 7 }, {}] }])
  })

  it('the window is bounded in bytes too', () => {
    const core = leaderWithPeers({ inflightBytesMax: 1000 })
    const sent = () => sends(propose(core, 1, 600)).filter((one) => one.to === 'n2').length
    expect([sent(), sent(), sent()]).toEqual([1, 1, 0])
  })

  it('a full window of which all was lost is found by the next heartbeat', () => {
    const core = leaderWithPeers()
    for (let i = 0; i < 6; i++) propose(core)
    const heartbeat = sends(tick(core, 2)).findLast((one) => one.to === 'n2')
    expect(heartbeat?.message).toMatchObject({ prev: { index: 6 }, entries: [] })
    // The follower has none of it.
    const effects = reject(core, 'n2', 6, { index: 2, term: 2 })
    expect(sentOf(effects, 'AppendEntries')).toMatchObject([{ prev: { index: 2 } }])
    const rest = accept(core, 'n2', 8)
    expect(rest.length).toBeGreaterThan(0)
    expect(core.status().matchIndex.get('n2')).toBe(8)
  })

  it('a message is bounded in entries and bytes, but a larger entry goes alone', () => {
    const core = coreOf({ options: { appendEntriesMax: 3, appendBytesMax: 300 } })
    toLeader(core)
    for (let i = 0; i < 4; i++) propose(core, 1, 1)
    propose(core, 1, 900)
    propose(core, 1, 1)
    const counts = sentOf(accept(core, 'n2', 2), 'AppendEntries').map((m) => m.entries.length)
    expect(counts).toEqual([3, 1, 1, 1])
  })
})

describe('§5.4.2 committing entries of previous terms', () => {
  it('an entry of an older term is not committed by counting', () => {
    const core = coreOf({ log: [2, 2], term: 3 })
    toLeader(core)
    persist(core)
    expect(core.state.term).toBe(4)
    accept(core, 'n2', 3)
    accept(core, 'n3', 3)
    expect(core.state.commitIndex).toBe(1)
  })

  it('it commits with the first entry of the own term behind it', () => {
    const core = coreOf({ log: [2, 2], term: 3 })
    toLeader(core)
    persist(core)
    expect(appliedIndices(accept(core, 'n2', 4))).toEqual([2, 3, 4])
  })
})

describe('asynchronous writes', () => {
  it('a completed write does not vouch for entries that replaced what it wrote', () => {
    const core = coreOf({ term: 3 })
    append(core, { prev: START, entries: entriesOf(2, 3, 3, 3) })
    const first = core.state.batch
    append(core, { prev: START, entries: entriesOf(2, 4, 4), term: 4 })
    core.step({ type: 'Persisted', batch: first })
    expect(core.state.durableIndex).toBe(1)
    persist(core)
    expect(core.state.durableIndex).toBe(3)
  })

  it('a leader does not count a write of before its truncation (etcd-io/raft: append ABA)', () => {
    // 1. As follower of term 3 it writes 2..4; the write hangs. 2. Truncated by the leader of term 4, rewritten.
    const core = coreOf({ term: 3, members: ['n1', 'n2', 'n3'] })
    append(core, { prev: START, entries: entriesOf(2, 3, 3, 3) })
    const old = core.state.batch
    append(core, { prev: START, entries: entriesOf(2, 4), term: 4 })
    core.step({ type: 'Persisted', batch: old })
    expect(core.state.durableIndex).toBe(1)
    // 3. Elected, it appends 3 and 4 again; only their own batches vouch for them.
    toLeader(core)
    propose(core)
    expect(core.state.durableIndex).toBe(2)
    accept(core, 'n2', 4)
    expect(core.state.commitIndex).toBe(1)
    persist(core)
    expect(core.state.commitIndex).toBe(4)
  })

  it('an older completion than the last changes nothing', () => {
    const core = leaderWithPeers()
    propose(core)
    persist(core)
    const { durableIndex } = core.state
    expect(core.step({ type: 'Persisted', batch: 1 })).toEqual([])
    expect(core.state.durableIndex).toBe(durableIndex)
  })
})

describe('bounds (Overloaded: never appended here)', () => {
  const overloaded = { type: 'Overloaded' }

  it('of requests appended and not yet committed', () => {
    const core = leaderWithPeers({ uncommittedRequestsMax: 5 })
    expect(answers(propose(core, 3))).toEqual([])
    expect(answers(propose(core, 4))).toMatchObject([overloaded, overloaded])
    expect(answers(propose(core, 1))).toMatchObject([overloaded])
    persist(core)
    accept(core, 'n2', 4)
    expect(answers(propose(core, 5))).toEqual([])
  })

  it('of bytes appended and not yet committed', () => {
    const core = leaderWithPeers({ uncommittedBytesMax: 1000 })
    expect(answers(propose(core, 1, 2000))).toEqual([])
    expect(answers(propose(core, 1, 1))).toMatchObject([overloaded])
    persist(core)
    accept(core, 'n2', 3)
    expect(answers(propose(core, 1, 1))).toEqual([])
  })

  it('of the log since the snapshot: at twice the threshold proposals stop', () => {
    const core = leaderWithPeers({ snapshotEntries: 5 })
    let taken = 0
    while (answers(propose(core)).length === 0) taken++
    expect(core.status().lastIndex).toBe(12)
    expect(taken).toBe(10)
  })

  it('a new leader does not count what older leaders left uncommitted as its own', () => {
    const core = coreOf({ log: [1, 1, 1], options: { uncommittedRequestsMax: 2 } })
    toLeader(core)
    expect(answers(propose(core, 2))).toEqual([])
    persist(core)
    accept(core, 'n2', 6)
    if (core.state.role.type !== 'leader') throw new Error('leads')
    expect(core.state.role.uncommitted).toEqual({ requests: 0, bytes: 0 })
  })
})

describe('agreed time (leases expire by it)', () => {
  it('goes on from the last entry and from what the last leader said, by the own clock', () => {
    const core = coreOf({ term: 2 })
    append(core, { prev: START, agreedTime: 5000 })
    toLeader(core)
    const elected = core.state.now
    expect(core.state.agreedTime).toBe(5000)
    tick(core, 5)
    propose(core)
    expect(core.state.log.entries.at(-1)?.requests).toHaveLength(1)
    expect(core.state.log.entries.at(-1)?.time).toBe(5000 + core.state.now - elected)
  })

  it('is in every AppendEntries, heartbeats too', () => {
    const core = leaderWithPeers()
    const times = sentOf(tick(core, 4), 'AppendEntries').map((m) => m.agreedTime)
    expect(times.at(-1)).toBeGreaterThan(times[0] ?? Number.POSITIVE_INFINITY)
  })

  it('is what the latest leader said, not a former one that led nobody', () => {
    const core = coreOf({ term: 2 })
    append(core, { prev: START, agreedTime: 5000 })
    append(core, { term: 3, prev: START, agreedTime: 40 })
    append(core, { term: 3, prev: START, agreedTime: 30 })
    expect(core.state.agreedTime).toBe(40)
    toLeader(core)
    expect(core.state.log.entries.at(-1)?.time).toBe(40)
  })

  it('never falls, whatever a leader says', () => {
    const core = coreOf({ term: 2 })
    append(core, { prev: START, agreedTime: 5000 })
    append(core, { prev: START, agreedTime: 10 })
    expect(core.state.agreedTime).toBe(5000)
  })

  it('an idle leader proposes an empty timed batch when something is due: one at a time, spaced', () => {
    const core = leaderWithPeers()
    const { agreedTime } = core.state
    expect(notes(tick(core, 3, agreedTime + 200))).not.toContain('timed-batch')
    const due = tick(core, 10, agreedTime + 200)
    expect(notes(due).filter((note) => note === 'timed-batch')).toHaveLength(1)
    expect(notes(tick(core, 5, 0))).not.toContain('timed-batch')
    persist(core)
    accept(core, 'n2', 3)
    accept(core, 'n3', 3)
    const again = tick(core, 5, 0)
    expect(notes(again).filter((note) => note === 'timed-batch')).toHaveLength(1)
    expect(core.state.log.entries.at(-1)).toMatchObject({ requests: [] })
  })
})

it('the test options are those of the tests above', () => {
  expect(TEST_OPTIONS).toMatchObject({
    electionTicks: 10,
    heartbeatTicks: 2,
    inflightMessagesMax: 4,
  })
})

it('an answer after the leader stepped down changes nothing', () => {
  const core = leaderWithPeers()
  propose(core)
  persist(core)
  receive(core, 'n3', { type: 'RequestVoteReply', term: 9, voteGranted: false })
  accept(core, 'n2', 3, { term: 2 })
  expect(core.state).toMatchObject({ commitIndex: 2, term: 9 })
})
