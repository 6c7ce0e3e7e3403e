/** What a node that does not lead does with the requests that it may hand on. */
import { describe, expect, it } from 'vitest'
import type { ReadOutcome, SubmitOutcome } from '../../../src/driver/outcomes.js'
import { bytes, type Harness, harness, request } from './scripted.js'

const ELECTION_MS = 100

/** A follower of n2 in term 1. */
function follower(): Harness {
  const h = harness({ limits: { electionTimeoutMs: ELECTION_MS } })
  h.core.role = 'follower'
  h.core.leader = 'n2'
  h.driver.tick(0)
  h.run()
  return h
}

function submit(h: Harness, seq: number, deadline = 10_000): SubmitOutcome[] {
  const outcomes: SubmitOutcome[] = []
  h.driver.submit(request(1, seq), { deadline, forward: true }, (outcome) => outcomes.push(outcome))
  return outcomes
}

function handedOn(h: Harness): number[][] {
  return h.core.inputs.flatMap((input) =>
    input.type === 'Propose' && input.forward === true ? [input.requests.map((r) => r.seq)] : [],
  )
}

function advance(h: Harness, ms: number): void {
  h.driver.tick(ms)
  h.run()
}

function apply(h: Harness, seq: number): void {
  h.core.on('Tick', () => [
    { type: 'Apply', entries: [{ index: 1, time: 0, requests: [request(1, seq)] }] },
  ])
  advance(h, 9_000)
  h.applies[0]?.done([[bytes('done')]])
}

/** The core knows no leader. */
function refuseAll(h: Harness): void {
  h.core.on('Propose', (input) =>
    input.requests.map((id) => ({
      type: 'Answer',
      id,
      outcome: { type: 'NotLeader', leader: null },
    })),
  )
}

describe('requests that may be handed on', () => {
  it('go to the core as such, apart from those that may not', () => {
    const h = follower()
    submit(h, 1)
    h.driver.submit(request(1, 2), { deadline: 10_000 }, () => {})
    h.run()
    expect(handedOn(h)).toEqual([[1]])
    const own = h.core.inputs.filter((input) => input.type === 'Propose' && !input.forward)
    expect(own).toMatchObject([{ requests: [{ seq: 2 }] }])
  })

  it('are answered by their Apply, whoever ordered them', () => {
    const h = follower()
    const done = submit(h, 1)
    h.run()
    apply(h, 1)
    expect(done).toEqual([{ type: 'Answer', bytes: bytes('done') }])
    expect(h.driver.status().pendingRequests).toBe(0)
  })

  it('are handed on again under a new leader, once', () => {
    const h = follower()
    const done = submit(h, 1)
    h.run()
    h.core.term = 2
    h.core.leader = 'n3'
    advance(h, 20)
    advance(h, 40)
    expect(handedOn(h)).toEqual([[1], [1]])
    expect(done).toEqual([])
  })

  it('are handed on again when nothing comes of it, more and more patiently', () => {
    const h = follower()
    submit(h, 1)
    h.run()
    const at: number[] = []
    for (let ms = 20; ms <= 1_000; ms += 20) {
      const before = handedOn(h).length
      advance(h, ms)
      if (handedOn(h).length > before) at.push(ms)
    }
    expect(at).toEqual([100, 300, 600, 1_000])
  })

  it('wait while nobody leads, and are not handed on again before somebody does', () => {
    const h = follower()
    h.core.leader = null
    refuseAll(h)
    const done = submit(h, 1)
    h.run()
    advance(h, 500)
    expect(handedOn(h)).toEqual([[1]])
    expect(done).toEqual([])
    h.core.script.shift()
    h.core.leader = 'n2'
    advance(h, 520)
    expect(handedOn(h)).toEqual([[1], [1]])
  })

  it('that nobody took by their deadline were never appended', () => {
    const h = follower()
    h.core.leader = null
    refuseAll(h)
    const done = submit(h, 1, 300)
    h.run()
    advance(h, 320)
    expect(done).toMatchObject([{ type: 'Overloaded' }])
  })

  it('that somebody may have taken are Indeterminate at their deadline', () => {
    const h = follower()
    const done = submit(h, 1, 300)
    h.run()
    advance(h, 320)
    expect(done).toMatchObject([{ type: 'Indeterminate' }])
  })

  it('that somebody may have taken are not refused by whoever is asked next', () => {
    const h = follower()
    const done = submit(h, 1)
    h.run()
    h.core.on('Propose', (input) =>
      input.requests.map((id) => ({
        type: 'Answer',
        id,
        outcome: { type: 'Overloaded', reason: 'full' },
      })),
    )
    h.core.term = 2
    advance(h, 20)
    expect(handedOn(h)).toEqual([[1], [1]])
    expect(done).toEqual([])
  })

  it('outlive our own leadership, and go to the next leader', () => {
    const h = follower()
    h.core.role = 'leader'
    h.core.leader = 'n1'
    advance(h, 20)
    const done = submit(h, 1)
    h.run()
    // Appended here: it cannot be lost but with the term.
    for (let ms = 40; ms <= 800; ms += 20) advance(h, ms)
    expect(handedOn(h)).toEqual([[1]])
    h.core.role = 'follower'
    h.core.leader = 'n2'
    h.core.term = 2
    advance(h, 820)
    advance(h, 840 + 2 * ELECTION_MS)
    expect(done).toEqual([])
    expect(handedOn(h).length).toBeGreaterThan(1)
  })
})

describe('reads that may be handed on', () => {
  it('wait for a leader, and are asked again when there is one', () => {
    const h = follower()
    const outcomes: ReadOutcome[] = []
    h.core.leader = null
    h.core.on('Read', (input) => [
      { type: 'Answer', id: input.id, outcome: { type: 'NotLeader', leader: null } },
    ])
    h.driver.read({ deadline: 500, forward: true }, (outcome) => outcomes.push(outcome))
    h.driver.read({ deadline: 500 }, (outcome) => outcomes.push(outcome))
    h.run()
    expect(outcomes).toEqual([{ type: 'NotLeader', leader: null }])
    h.core.script.shift()
    h.core.leader = 'n2'
    advance(h, 20)
    expect(h.core.inputs.filter((input) => input.type === 'Read')).toHaveLength(2)
    advance(h, 520)
    expect(outcomes).toMatchObject([{ type: 'NotLeader' }, { type: 'Indeterminate' }])
    expect(h.driver.status().pendingReads).toBe(0)
  })
})
