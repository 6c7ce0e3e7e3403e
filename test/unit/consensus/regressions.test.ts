/** Bugs that were here once, each test named after its bug. Those that need a story are in scenarios/raft. */
import { describe, expect, it } from 'vitest'
import type { AppendEntriesReply } from '../../../src/consensus/raft/messages.js'
import { RaftCluster } from '../../support/raft-cluster.js'

function reply(part: {
  term: number
  round: number
  incarnation: number
  matchIndex: number
}): AppendEntriesReply {
  return { type: 'AppendEntriesReply', accepted: true, ...part }
}

describe('acknowledgements of an earlier incarnation', () => {
  it('are not counted when they arrive late (reference: replies carry the incarnation)', () => {
    const c = new RaftCluster(['n1', 'n2', 'n3'])
    c.elect('n1')
    const leader = c.node('n1')
    const { state } = leader.core
    const incarnation = c.node('n2').core.state.incarnation
    c.block('n1', 'n3')
    c.block('n1', 'n2')
    c.propose('n1')
    c.propose('n1')
    const { commitIndex, term } = state
    const last = leader.core.status().lastIndex
    const from = (m: AppendEntriesReply) => leader.step({ type: 'Receive', from: 'n2', message: m })
    // The new start is heard first, then what the old one had promised, twice.
    const old = reply({ term, round: 0, incarnation, matchIndex: last })
    from(reply({ term, round: 0, incarnation: 77, matchIndex: 1 }))
    from(old)
    from(old)
    expect(leader.core.status().matchIndex.get('n2')).toBe(0)
    expect(state.commitIndex).toBe(commitIndex)
  })

  it('do not shut out the new one when the leader hears the old one for the first time', () => {
    const c = new RaftCluster(['n1', 'n2', 'n3'])
    c.elect('n1')
    const leader = c.node('n1')
    const { term } = leader.core.state
    leader.step({
      type: 'Receive',
      from: 'n2',
      message: reply({ term, round: 0, incarnation: 99, matchIndex: 2 }),
    })
    expect(leader.core.status().matchIndex.get('n2')).toBe(0)
    c.propose('n1')
    for (let i = 0; i < 3; i++) {
      c.tick('n1', 2)
      c.settle()
    }
    expect(leader.core.status().matchIndex.get('n2')).toBe(leader.core.status().lastIndex)
  })
})

describe('agreed time', () => {
  it('does not leap when a node is asked to campaign before its first tick', () => {
    const c = new RaftCluster(['n1', 'n2', 'n3'])
    c.elect('n1')
    c.node('n2').crash()
    c.node('n2').start()
    // The monotonic clock of a machine that is up for weeks.
    c.node('n2').now = 10 ** 9
    for (let i = 0; i < 3; i++) {
      c.tick('n1', 2)
      c.settle()
    }
    c.node('n1').step({ type: 'TransferLeadership', to: 'n2' })
    c.settle()
    c.tick('n2', 5)
    c.settle()
    const times = c.node('n1').core.state.log.entries.map((entry) => entry.time)
    expect(Math.max(...times)).toBeLessThan(10_000)
    expect(c.node('n1').core.state.agreedTime).toBeLessThan(10_000)
  })
})

describe('a leader that led nobody', () => {
  it('goes on from the time of those who led meanwhile: no lease is cut short', () => {
    const c = new RaftCluster(['n1', 'n2', 'n3'])
    c.elect('n1')
    // 1. n1 is cut off, and appends at its own time, which goes on.
    c.partition(['n1'], ['n2', 'n3'])
    for (let i = 0; i < 5; i++) c.tick('n1', 1)
    c.propose('n1')
    const alone = c.node('n1').core.state.agreedTime
    // 2. Another one leads, from where time stood.
    const leads = (id: string) => c.node(id).core.state.role.type === 'leader'
    while (!leads('n2') && !leads('n3'))
      for (const id of ['n2', 'n3']) {
        c.tick(id)
        c.settle()
      }
    const next = leads('n2') ? 'n2' : 'n3'
    c.propose(next)
    c.settle()
    const granted = c.node(next).core.state.log.entries.at(-1)?.time ?? 0
    expect(granted).toBeLessThan(alone)
    // 3. n1 hears it, has its entries instead of its own, and is elected again.
    c.heal()
    for (let i = 0; i < 5; i++) {
      c.tick(next)
      c.settle()
    }
    c.node(next).step({ type: 'TransferLeadership', to: 'n1' })
    c.settle()
    const { role, log } = c.node('n1').core.state
    expect(role.type).toBe('leader')
    expect(log.entries.at(-1)?.time).toBeLessThan(alone)
    expect(log.entries.at(-1)?.time).toBeGreaterThanOrEqual(granted)
  })
})

describe('a snapshot that fails', () => {
  const options = { snapshotEntries: 4, snapshotBytes: 400, keepEntries: 0 }

  function failing(): { c: RaftCluster; fail: () => number } {
    const c = new RaftCluster(['n1'], options)
    c.elect('n1')
    const node = c.node('n1')
    const fail = (): number => {
      if (node.taking === null) return 0
      const snapshot = node.taking
      node.taking = null
      node.step({ type: 'SnapshotFailed', snapshot })
      return 1
    }
    return { c, fail }
  }

  it('is not asked for again with every entry, but after an election timeout', () => {
    const { c, fail } = failing()
    let failed = 0
    for (let i = 0; i < 30; i++) {
      c.propose('n1')
      failed += fail()
    }
    expect(failed).toBe(1)
    c.tick('n1', 9)
    expect(fail()).toBe(0)
    c.tick('n1', 1)
    expect(fail()).toBe(1)
  })

  it('lets the log grow to twice the threshold in bytes and no further', () => {
    const { c, fail } = failing()
    for (let i = 0; i < 100; i++) {
      c.propose('n1')
      fail()
      c.tick('n1', 3)
    }
    const { core, answers } = c.node('n1')
    const bytes = core.state.log.entries.reduce((sum, entry) => sum + entry.sizeBytes, 0)
    expect(bytes).toBeLessThan(2 * 400 + 200)
    expect(answers.at(-1)?.outcome.type).toBe('Overloaded')
    // And when the disk has room again, all goes on.
    c.tick('n1', 10)
    c.node('n1').finishSnapshot()
    const commit = core.state.commitIndex
    c.propose('n1')
    expect(core.state.commitIndex).toBe(commit + 1)
  })

  it('counts what was applied while it was written towards the next one', () => {
    const c = new RaftCluster(['n1'], { ...options, snapshotEntries: 1000 })
    c.elect('n1')
    const node = c.node('n1')
    while (node.taking === null) c.propose('n1')
    const before = node.core.state.takingSnapshotBytes
    c.propose('n1')
    const applied = node.core.state.appliedBytesSinceSnapshot
    node.finishSnapshot()
    expect(node.core.state.appliedBytesSinceSnapshot).toBe(applied - before)
    expect(applied - before).toBeGreaterThan(0)
  })
})

describe('a snapshot of a term that the node has not heard of', () => {
  it('brings the term along, or the node could not start again', () => {
    const c = new RaftCluster(['n1', 'n2', 'n3'])
    const node = c.node('n1')
    const { configuration } = node.core.status()
    const snapshot = { index: 9, term: 7, time: 1, configuration, digest: 'd', bytes: 1 }
    node.step({ type: 'SnapshotReceived', from: 'n2', snapshot })
    expect(node.core.state.term).toBe(7)
    node.crash()
    node.start()
    expect(node.core.status()).toMatchObject({ term: 7, commitIndex: 9, lastIndex: 9 })
  })
})

describe('leadership is handed on', () => {
  it('without timed batches that the successor would have to have (thesis §3.10)', () => {
    const c = new RaftCluster(['n1', 'n2', 'n3'])
    c.elect('n1')
    const { core } = c.node('n1')
    c.block('n1', 'n2')
    c.node('n1').step({ type: 'TransferLeadership', to: 'n2' })
    c.node('n1').nextDeadline = 0
    const last = core.status().lastIndex
    c.tick('n1', 9)
    expect(core.status().lastIndex).toBe(last)
    // Given up: what is due expires again.
    c.tick('n1', 1)
    expect(core.status().lastIndex).toBe(last + 1)
  })

  it('by a leader whose disk hangs, to a voter that has its log (PROTOCOL 5)', () => {
    const c = new RaftCluster(['n1', 'n2', 'n3'])
    c.elect('n1')
    const { core } = c.node('n1')
    c.node('n1').autoSync = false
    c.block('n1', 'n2')
    c.propose('n1')
    for (let i = 0; i < 40 && core.state.role.type === 'leader'; i++) {
      c.tick('n1')
      c.deliver()
    }
    expect(core.state.role.type).toBe('follower')
    c.settle()
    expect(c.node('n3').core.state.role.type).toBe('leader')
    // It has what n1 had appended; n2, which has not, could not have been chosen.
    expect(c.node('n3').core.status().lastIndex).toBe(core.status().lastIndex)
  })
})

describe('a leader that contradicts what is committed', () => {
  it('stops the node instead of being followed (Leader Completeness, §5.4)', () => {
    const c = new RaftCluster(['n1', 'n2', 'n3'])
    c.elect('n1')
    c.propose('n1')
    c.settle()
    c.tick('n1', 2)
    c.settle()
    const node = c.node('n2')
    const { commitIndex, term } = node.core.state
    const broken = (prev: { index: number; term: number }) =>
      node.step({
        type: 'Receive',
        from: 'n3',
        message: {
          type: 'AppendEntries',
          term: term + 1,
          prev,
          entries: [],
          leaderCommit: 0,
          round: 0,
          agreedTime: 0,
        },
      })
    expect(() => broken({ index: commitIndex, term: term + 1 })).toThrow(/never conflicts/)
  })
})

describe('a peer that is away', () => {
  it('is not sent the same entries with every heartbeat', () => {
    const c = new RaftCluster(['n1', 'n2', 'n3'])
    c.elect('n1')
    c.node('n3').crash()
    c.tick('n1', 2)
    c.propose('n1')
    c.settle()
    // Its next answer would come from a new start: until then nothing with entries but what is in the window.
    let withEntries = 0
    c.onSent = ({ to, message }) => {
      if (to === 'n3' && message.type === 'AppendEntries' && message.entries.length > 0)
        withEntries++
    }
    for (let i = 0; i < 40; i++) {
      c.tick('n1')
      c.propose('n1')
      c.settle()
    }
    expect(withEntries).toBeLessThanOrEqual(4)
    // Nor when it was still being probed.
    c.node('n1').crash()
    c.node('n1').start()
    c.elect('n2')
    withEntries = 0
    for (let i = 0; i < 40; i++) {
      c.tick('n2')
      c.propose('n2')
      c.settle()
    }
    expect(withEntries).toBe(0)
    c.node('n3').start()
    c.tick('n2', 2)
    c.settle()
    c.tick('n2', 2)
    c.settle()
    expect(c.node('n3').core.status().lastIndex).toBe(c.node('n2').core.status().lastIndex)
  })
})
