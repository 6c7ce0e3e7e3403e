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
