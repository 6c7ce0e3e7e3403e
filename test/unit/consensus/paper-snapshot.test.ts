/** Snapshots and compaction (§7), and what a start finds: one test a rule. */
import { describe, expect, it } from 'vitest'
import type { SnapshotMeta } from '../../../src/consensus/contract.js'
import { type Raft, raft } from '../../../src/consensus/raft/index.js'
import { RaftCluster } from '../../support/raft-cluster.js'
import {
  accept,
  append,
  coreOf,
  entriesOf,
  logTerms,
  notes,
  persist,
  propose,
  records,
  replyOf,
  sends,
  sentOf,
  step,
  tick,
  toLeader,
} from '../../support/raft-core.js'

const START = { index: 1, term: 1 }

function meta(core: Raft, index: number, term: number): SnapshotMeta {
  const { configuration } = core.status()
  return { index, term, time: 500, configuration, digest: 'd', bytes: 10 }
}

function received(core: Raft, index: number, term: number) {
  return step(core, { type: 'SnapshotReceived', from: 'n2', snapshot: meta(core, index, term) })
}

/** Alone, so that every entry commits with its write. */
function alone(options = {}): Raft {
  const core = coreOf({ members: ['n1'], options })
  toLeader(core)
  persist(core)
  return core
}

describe('§7 taking a snapshot', () => {
  it('is due when enough was applied, at what is applied, one at a time', () => {
    const core = alone({ snapshotEntries: 4 })
    const taken: SnapshotMeta[] = []
    for (let i = 0; i < 5; i++) {
      propose(core)
      for (const effect of persist(core))
        if (effect.type === 'TakeSnapshot') taken.push(effect.snapshot)
    }
    expect(taken).toMatchObject([{ index: 4, term: 2, digest: '', bytes: 0 }])
    expect(taken[0]?.configuration.voters).toEqual(['n1'])
  })

  it('is due by bytes too', () => {
    const core = alone({ snapshotBytes: 500 })
    propose(core, 1, 600)
    expect(persist(core)).toContainEqual(expect.objectContaining({ type: 'TakeSnapshot' }))
  })

  it('the record comes first, then the log may go, but for the tail that is kept', () => {
    const core = alone({ snapshotEntries: 6, keepEntries: 2 })
    for (let i = 0; i < 4; i++) {
      propose(core)
      persist(core)
    }
    const effects = step(core, { type: 'SnapshotTaken', snapshot: meta(core, 6, 2) })
    expect(effects.flatMap((e) => (e.type === 'Note' ? [] : e.type))).toEqual([
      'Persist',
      'Release',
    ])
    expect(records(effects)).toMatchObject([{ type: 'SnapshotTaken', snapshot: { index: 6 } }])
    expect(effects).toContainEqual({ type: 'Release', through: 4 })
    expect(core.state.log.offset).toEqual({ index: 4, term: 2 })
  })

  it('one at or below the current snapshot is ignored', () => {
    const core = alone()
    propose(core)
    persist(core)
    step(core, { type: 'SnapshotTaken', snapshot: meta(core, 3, 2) })
    for (const index of [2, 3])
      expect(
        records(step(core, { type: 'SnapshotTaken', snapshot: meta(core, index, 2) })),
      ).toEqual([])
  })
})

describe('§7 a follower far behind gets the snapshot', () => {
  /** Leader of term 2 whose log starts behind 3. */
  function compacted(): Raft {
    const core = coreOf({ options: { keepEntries: 0 } })
    toLeader(core)
    propose(core)
    propose(core)
    persist(core)
    accept(core, 'n2', 4)
    step(core, { type: 'SnapshotTaken', snapshot: meta(core, 3, 2) })
    return core
  }

  it('when it needs entries that are gone, and answers', () => {
    const core = compacted()
    expect(sends(tick(core, 2)).some((sent) => sent.to === 'n3')).toBe(true)
    const effects = step(core, {
      type: 'Receive',
      from: 'n3',
      message: {
        type: 'AppendEntriesReply',
        term: 2,
        round: 0,
        incarnation: 9,
        accepted: false,
        rejected: 1,
        hint: { index: 0, term: 0 },
      },
    })
    expect(effects).toContainEqual(
      expect.objectContaining({ type: 'SendSnapshot', to: 'n3', snapshot: expect.anything() }),
    )
  })

  function sending(): Raft {
    const core = compacted()
    step(core, {
      type: 'Receive',
      from: 'n3',
      message: {
        type: 'AppendEntriesReply',
        term: 2,
        round: 0,
        incarnation: 9,
        accepted: false,
        rejected: 1,
        hint: { index: 0, term: 0 },
      },
    })
    return core
  }

  it('meanwhile only heartbeats of an empty prefix go to it', () => {
    const core = sending()
    propose(core)
    const toIt = sends(tick(core, 2)).filter((sent) => sent.to === 'n3')
    expect(toIt).toMatchObject([{ message: { prev: { index: 0, term: 0 }, entries: [] } }])
  })

  it('when it has it, replication goes on behind it', () => {
    const core = sending()
    accept(core, 'n3', 1, { incarnation: 9 })
    const effects = accept(core, 'n3', 3, { incarnation: 9 })
    expect(sentOf(effects, 'AppendEntries')).toMatchObject([{ prev: { index: 3 }, entries: [{}] }])
  })

  it('one that could not be delivered is sent again with a heartbeat, not at once', () => {
    const core = sending()
    const failed = step(core, { type: 'SnapshotFailed', snapshot: meta(core, 3, 2), peer: 'n3' })
    expect(failed.map((effect) => effect.type)).toEqual(['Note'])
    const again = [...tick(core, 2), ...accept(core, 'n3', 0, { incarnation: 9 })]
    expect(again).toContainEqual(expect.objectContaining({ type: 'SendSnapshot', to: 'n3' }))
  })

  describe('whose file is not whole any more', () => {
    function unreadable(core: Raft, index: number) {
      const snapshot = { ...meta(core, index, 2), digest: 'rotten' }
      return step(core, { type: 'SnapshotFailed', snapshot, peer: 'n3', unreadable: true })
    }

    it('it is taken anew, though nothing else makes one due, and that one is sent', () => {
      const core = sending()
      expect(unreadable(core, 3)).toContainEqual(
        expect.objectContaining({
          type: 'TakeSnapshot',
          snapshot: expect.objectContaining({ index: 4 }),
        }),
      )
      step(core, { type: 'SnapshotTaken', snapshot: meta(core, 4, 2) })
      const again = [...tick(core, 2), ...accept(core, 'n3', 0, { incarnation: 9 })]
      expect(again).toContainEqual(
        expect.objectContaining({
          type: 'SendSnapshot',
          snapshot: expect.objectContaining({ index: 4 }),
        }),
      )
    })

    it('and covers all that is applied: the same index once more, which replaces it', () => {
      const core = sending()
      step(core, { type: 'SnapshotTaken', snapshot: { ...meta(core, 4, 2), digest: 'rotten' } })
      unreadable(core, 4)
      const effects = step(core, { type: 'SnapshotTaken', snapshot: meta(core, 4, 2) })
      expect(records(effects)).toMatchObject([
        { type: 'SnapshotTaken', snapshot: { index: 4, digest: 'd' } },
      ])
      // Once: a second file of that index is ignored as ever.
      const second = step(core, { type: 'SnapshotTaken', snapshot: meta(core, 4, 2) })
      expect(records(second)).toEqual([])
    })

    it('but one that is older than the newest is nobody’s loss', () => {
      const core = sending()
      step(core, { type: 'SnapshotTaken', snapshot: meta(core, 4, 2) })
      const types = unreadable(core, 3).map((effect) => effect.type)
      expect(types).not.toContain('TakeSnapshot')
    })
  })

  it('one that restarts meanwhile is not waited for', () => {
    const core = sending()
    accept(core, 'n3', 0, { incarnation: 10 })
    const again = accept(core, 'n3', 0, { incarnation: 10, round: 99 })
    expect(again).toContainEqual(expect.objectContaining({ type: 'SendSnapshot', to: 'n3' }))
  })

  it('not to one that does not answer', () => {
    const core = compacted()
    expect(tick(core, 9).some((effect) => effect.type === 'SendSnapshot')).toBe(false)
  })
})

describe('§7 receiving a snapshot', () => {
  it('record, restore, durable answer: in this order; the log before it may go', () => {
    const core = coreOf({ log: [1, 1], term: 4 })
    const effects = received(core, 9, 4)
    expect(effects.flatMap((e) => (e.type === 'Note' ? [] : e.type))).toEqual([
      'Persist',
      'Restore',
      'Release',
      'Send',
    ])
    expect(records(effects)).toMatchObject([{ type: 'SnapshotInstalled' }])
    expect(replyOf(effects)).toMatchObject({ accepted: true, matchIndex: 9 })
    expect(core.status()).toMatchObject({ commitIndex: 9, appliedIndex: 9, lastIndex: 9 })
    expect(core.state.agreedTime).toBe(500)
  })

  it('the whole log goes when it does not contain the last entry of the snapshot', () => {
    const core = coreOf({ log: [2, 2, 2, 2, 2, 2], term: 4 })
    received(core, 4, 3)
    expect(logTerms(core)).toEqual([])
    expect(core.status()).toMatchObject({ lastIndex: 4, commitIndex: 4 })
  })

  it('the log stays when it does; what the snapshot covers is committed and applied from the log', () => {
    const core = coreOf({ log: [2, 2, 2, 2], term: 4 })
    const effects = received(core, 3, 2)
    expect(logTerms(core)).toEqual([1, 2, 2, 2, 2])
    expect(effects.map((e) => e.type)).not.toContain('Restore')
    expect(core.status()).toMatchObject({ commitIndex: 3, appliedIndex: 3, snapshotIndex: 0 })
  })

  it('one at or below the commit changes nothing', () => {
    const core = coreOf({ log: [2, 2, 2, 2], term: 4 })
    append(core, { prev: { index: 5, term: 2 }, leaderCommit: 4 })
    const effects = received(core, 3, 2)
    expect(notes(effects)).toContain('snapshot-stale')
    expect(replyOf(effects)).toMatchObject({ matchIndex: 4 })
    expect(core.status()).toMatchObject({ commitIndex: 4, lastIndex: 5, snapshotIndex: 0 })
  })

  it('afterwards entries follow the snapshot, and what it covers is skipped', () => {
    const core = coreOf({ term: 4 })
    received(core, 9, 4)
    // A late message from before the snapshot.
    append(core, { prev: START, entries: entriesOf(2, 2, 2), leaderCommit: 3 })
    expect(logTerms(core)).toEqual([])
    append(core, { prev: { index: 0, term: 0 }, entries: [], leaderCommit: 12 })
    expect(core.state.commitIndex).toBe(9)
    append(core, { prev: { index: 9, term: 4 }, entries: entriesOf(10, 4), leaderCommit: 10 })
    expect(core.status()).toMatchObject({ lastIndex: 10, appliedIndex: 10 })
  })

  it('one that was being taken meanwhile is forgotten', () => {
    const c = new RaftCluster(['n1', 'n2', 'n3'], { snapshotEntries: 2 })
    c.elect('n1')
    c.propose('n1')
    c.settle()
    c.tick('n1', 2)
    c.settle()
    const node = c.node('n2')
    const { taking } = node
    expect(taking).not.toBe(null)
    const { configuration } = node.core.status()
    const snapshot = { index: 50, term: 2, time: 1, configuration, digest: 'd', bytes: 1 }
    node.step({ type: 'SnapshotReceived', from: 'n1', snapshot })
    node.finishSnapshot()
    expect(node.core.status().snapshotIndex).toBe(50)
  })
})

describe('a start', () => {
  it('restores the snapshot first, then applies nothing that is not known to be committed', () => {
    const base = coreOf()
    const { core, effects } = raft.recover(
      [
        { type: 'State', term: 4, votedFor: 'n2', snapshot: meta(base, 5, 3) },
        { type: 'Append', entries: entriesOf(6, 4, 4) },
      ],
      { id: 'n1', seed: 1, incarnation: 2 },
      base.state.options,
    )
    expect(effects.map((effect) => effect.type)).toEqual(['Restore'])
    expect(core.status()).toMatchObject({ commitIndex: 5, appliedIndex: 5, lastIndex: 7 })
    expect(core.state.durableIndex).toBe(7)
  })

  it('nodes that start with different seeds draw different timeouts', () => {
    const base = coreOf()
    const drawn = new Set<number>()
    for (let seed = 1; seed <= 50; seed++) {
      const records = [{ type: 'State' as const, term: 4, votedFor: null, snapshot: null }]
      const self = { id: 'n1', seed, incarnation: 2 }
      drawn.add(raft.recover(records, self, base.state.options).core.state.electionTimeout)
    }
    expect(drawn.size).toBeGreaterThan(7)
  })
})
