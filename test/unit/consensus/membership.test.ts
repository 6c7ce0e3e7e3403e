/**
 * Configurations are part of the log (§6): in effect from their append, rolled back with it, kept by snapshots. The
 * commands that change them come later; the log, the votes and the commit rule obey them already.
 */
import { describe, expect, it } from 'vitest'
import type { Configuration } from '../../../src/consensus/contract.js'
import { type Raft, raft } from '../../../src/consensus/raft/index.js'
import {
  accept,
  append,
  coreOf,
  entriesOf,
  entry,
  persist,
  propose,
  receive,
  sends,
  toCandidate,
  toLeader,
} from '../../support/raft-core.js'

const START = { index: 1, term: 1 }

function change(part: Partial<Configuration>): Configuration {
  const initial = coreOf().status().configuration
  return { ...initial, ...part }
}

/** From n1, n2, n3 to n3, n4, n5. */
const JOINT = change({ voters: ['n3', 'n4', 'n5'], votersOutgoing: ['n1', 'n2', 'n3'] })

function voters(core: Raft): string {
  const { voters, votersOutgoing } = core.status().configuration
  return `${voters.join()}/${votersOutgoing.join()}`
}

/** A follower of term 2 that has appended the joint configuration at 2. */
function joint(): Raft {
  const core = coreOf({ term: 2 })
  append(core, { prev: START, entries: [entry(2, 2, JOINT)] })
  persist(core)
  return core
}

describe('a configuration', () => {
  it('is in effect from its append, committed or not', () => {
    const core = joint()
    expect(core.state.commitIndex).toBe(1)
    expect(voters(core)).toBe('n3,n4,n5/n1,n2,n3')
  })

  it('is rolled back when its entry is truncated', () => {
    const core = joint()
    append(core, { prev: START, entries: entriesOf(2, 3), term: 3 })
    expect(voters(core)).toBe('n1,n2,n3/')
  })

  it('survives a start, and falls back to the one before when its batch is lost', () => {
    const bootstrap = raft.bootstrap(['n1', 'n2', 'n3'].map((id) => ({ id, uid: id })))
    const records = [
      bootstrap,
      { type: 'HardState' as const, term: 2, votedFor: null },
      { type: 'Append' as const, entries: [entry(2, 2, JOINT)] },
    ]
    const start = (count: number) =>
      raft.recover(
        records.slice(0, count),
        { id: 'n1', seed: 1, incarnation: 1 },
        coreOf().state.options,
      ).core
    expect(voters(start(3))).toBe('n3,n4,n5/n1,n2,n3')
    expect(voters(start(2))).toBe('n1,n2,n3/')
  })

  it('a snapshot holds the one in effect at its index, not a later one', () => {
    const core = coreOf({ term: 2, options: { snapshotEntries: 3 } })
    const effects = append(core, {
      prev: START,
      entries: [...entriesOf(2, 2, 2), entry(4, 2, JOINT)],
      leaderCommit: 3,
    })
    const taken = effects.find((effect) => effect.type === 'TakeSnapshot')
    expect(taken).toMatchObject({ snapshot: { index: 3, configuration: { votersOutgoing: [] } } })
    expect(voters(core)).toBe('n3,n4,n5/n1,n2,n3')
  })

  it('an installed snapshot brings its own', () => {
    const core = coreOf({ term: 2 })
    const snapshot = { index: 9, term: 2, time: 0, configuration: JOINT, digest: 'd', bytes: 1 }
    core.step({ type: 'SnapshotReceived', from: 'n2', snapshot })
    expect(voters(core)).toBe('n3,n4,n5/n1,n2,n3')
  })

  it('is not lost with the log before a snapshot', () => {
    const core = joint()
    append(core, { prev: { index: 2, term: 2 }, entries: entriesOf(3, 2, 2), leaderCommit: 4 })
    const snapshot = { index: 4, term: 2, time: 0, configuration: JOINT, digest: 'd', bytes: 1 }
    core.step({ type: 'SnapshotTaken', snapshot })
    append(core, { prev: { index: 4, term: 2 }, entries: entriesOf(5, 2) })
    append(core, { prev: { index: 4, term: 2 }, entries: entriesOf(5, 3), term: 3 })
    expect(voters(core)).toBe('n3,n4,n5/n1,n2,n3')
  })
})

describe('in a joint configuration', () => {
  const yes = (core: Raft, from: string) =>
    receive(core, from, { type: 'RequestVoteReply', term: core.state.term, voteGranted: true })

  it('an election needs both majorities', () => {
    const core = joint()
    toCandidate(core)
    persist(core)
    yes(core, 'n2')
    expect(core.state.role.type).toBe('candidate')
    yes(core, 'n4')
    expect(core.state.role.type).toBe('candidate')
    yes(core, 'n5')
    expect(core.state.role.type).toBe('leader')
  })

  it('votes are asked of both sides, each voter once', () => {
    const core = joint()
    const effects = toCandidate(core)
    const asked = sends(effects).filter((sent) => sent.message.type === 'RequestVote')
    expect(asked.map((sent) => sent.to)).toEqual(['n2', 'n3', 'n4', 'n5'])
  })

  it('an entry needs both majorities', () => {
    const core = joint()
    toLeader(core)
    propose(core)
    persist(core)
    accept(core, 'n2', 4)
    accept(core, 'n3', 4)
    expect(core.state.commitIndex).toBe(1)
    accept(core, 'n4', 4)
    expect(core.state.commitIndex).toBe(4)
  })

  it('a round of reads needs both majorities', () => {
    const core = joint()
    toLeader(core)
    persist(core)
    for (const from of ['n2', 'n3', 'n4']) accept(core, from, 3)
    core.step({ type: 'Read', id: { incarnation: 1, number: 1 } })
    const round = core.state.role.type === 'leader' ? core.state.role.round : 0
    const answered = (from: string) =>
      accept(core, from, 3, { round }).some((effect) => effect.type === 'Answer')
    expect([answered('n2'), answered('n4'), answered('n5')]).toEqual([false, false, true])
  })

  it('the leader replicates to both sides and to learners', () => {
    const core = coreOf({ term: 2 })
    const configuration = { ...JOINT, learners: ['n6'] }
    append(core, { prev: START, entries: [entry(2, 2, configuration)] })
    persist(core)
    toLeader(core)
    expect([...core.status().matchIndex.keys()]).toEqual(['n2', 'n3', 'n4', 'n5', 'n6'])
  })
})
