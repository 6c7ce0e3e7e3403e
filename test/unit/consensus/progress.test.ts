import { describe, expect, it } from 'vitest'
import * as Progress from '../../../src/consensus/raft/progress.js'

const MAX = { messages: 3, bytes: 100 }

function replicating(match = 0) {
  const p = Progress.newProgress(match + 1)
  p.matchIndex = match
  Progress.becomeReplicate(p)
  return p
}

describe('progress of a peer', () => {
  it('begins with a probe', () => {
    expect(Progress.newProgress(8)).toMatchObject({
      state: 'probe',
      matchIndex: 0,
      nextIndex: 8,
      probeSent: false,
    })
  })

  it('what is sent moves nextIndex and fills the window', () => {
    const p = replicating(4)
    expect(p.nextIndex).toBe(5)
    Progress.sent(p, 6, 40)
    expect(p).toMatchObject({ nextIndex: 7, inflightBytes: 40 })
    expect(Progress.windowOpen(p, MAX)).toBe(true)
    Progress.sent(p, 7, 60)
    expect(Progress.windowOpen(p, MAX)).toBe(false)
  })

  it('the window is full by messages too', () => {
    const p = replicating()
    for (const index of [1, 2, 3]) Progress.sent(p, index, 1)
    expect(Progress.windowOpen(p, MAX)).toBe(false)
  })

  for (const [acknowledged, left, bytes] of [
    [1, 3, 30],
    [2, 2, 20],
    [5, 1, 10],
    [6, 0, 0],
  ] as const)
    it(`an acknowledgement of ${acknowledged} leaves ${left} in flight`, () => {
      const p = replicating()
      for (const index of [2, 4, 6]) Progress.sent(p, index, 10)
      expect(Progress.acknowledged(p, acknowledged)).toBe(true)
      expect([p.inflight.length, p.inflightBytes]).toEqual([left, bytes])
      expect(p.matchIndex).toBe(acknowledged)
    })

  it('match only moves up, and an old acknowledgement is no news', () => {
    const p = replicating()
    Progress.sent(p, 6, 10)
    expect(Progress.acknowledged(p, 4)).toBe(true)
    expect(Progress.acknowledged(p, 3)).toBe(false)
    expect(Progress.acknowledged(p, 4)).toBe(false)
    expect(p).toMatchObject({ matchIndex: 4, nextIndex: 7 })
  })

  it('an acknowledgement beyond what was sent moves nextIndex along', () => {
    const p = replicating()
    Progress.acknowledged(p, 9)
    expect(p.nextIndex).toBe(10)
  })

  it('a probe forgets the window, and never goes below the match', () => {
    const p = replicating(4)
    Progress.sent(p, 9, 10)
    Progress.becomeProbe(p, 2)
    expect(p).toMatchObject({ state: 'probe', nextIndex: 5, inflight: [], inflightBytes: 0 })
  })

  it('a snapshot remembers its index; leaving the state forgets it', () => {
    const p = replicating(4)
    Progress.becomeSnapshot(p, 20)
    expect(p).toMatchObject({ state: 'snapshot', pendingSnapshot: 20 })
    Progress.becomeProbe(p, 21)
    expect(p).toMatchObject({ state: 'probe', pendingSnapshot: 0, nextIndex: 21 })
  })
})
