import { describe, expect, it } from 'vitest'
import type { Input } from '../../../src/consensus/contract.js'
import { DEFAULT_OPTIONS, type Message, Raft } from '../../../src/consensus/raft/index.js'
import {
  type Before,
  checkState,
  checkTransition,
  remember,
} from '../../../src/consensus/raft/invariants.js'
import type { Leader, State } from '../../../src/consensus/raft/state.js'
import { Refusals } from '../../../src/sim/checkers/refusals.js'
import { checkStickiness } from '../../../src/sim/checkers/stickiness.js'
import { raftSim } from '../../../src/sim/index.js'

/** One of three that has just been elected, and what it was before. */
function elected(): { readonly state: State; readonly leader: Leader; readonly before: Before } {
  const { protocol } = raftSim
  const self = { id: 'n1', seed: 1, incarnation: 1 }
  const record = protocol.bootstrap(['n1', 'n2', 'n3'].map((id) => ({ id, uid: id })))
  const { core } = protocol.recover([record], self, DEFAULT_OPTIONS)
  expect(core).toBeInstanceOf(Raft)
  const { state } = core
  const granted = { voteGranted: true } as const
  for (let now = 0; now < 5_000 && state.role.type === 'follower'; now += 20)
    core.step({ type: 'Tick', now, nextDeadline: null })
  const receive = (message: Message) => core.step({ type: 'Receive', from: 'n2', message })
  receive({ type: 'PreVoteReply', term: state.term + 1, ...granted })
  core.step({ type: 'Persisted', batch: state.batch })
  const before = remember(state)
  receive({ type: 'RequestVoteReply', term: state.term, ...granted })
  if (state.role.type !== 'leader') throw new Error('nobody was elected')
  return { state, leader: state.role, before }
}

describe('what must hold of a leader', () => {
  it('holds of one that was just elected', () => {
    const { state, before } = elected()
    expect(checkState(state)).toBe(null)
    expect(checkTransition(before, state)).toBe(null)
  })

  const spoilt: { readonly [wrong: string]: (state: State, leader: Leader) => void } = {
    'too many uncommitted requests': (_, leader) => {
      leader.uncommitted.requests = DEFAULT_OPTIONS.uncommittedRequestsMax + 1
    },
    'too many reads wait for a round': (_, leader) => {
      const read = { id: { incarnation: 1, number: 1 }, from: null }
      leader.queued = Array.from({ length: DEFAULT_OPTIONS.readsMax + 1 }, () => read)
    },
    'too much in flight to n2': (_, leader) => {
      const progress = leader.progress.get('n2')
      if (progress === undefined) return
      const bytes = DEFAULT_OPTIONS.inflightBytesMax
      progress.inflight = [
        { lastIndex: 1, bytes },
        { lastIndex: 2, bytes: 1 },
      ]
      progress.inflightBytes = bytes + 1
    },
    'agreed time runs ahead of its leader': (state) => {
      state.agreedTime += 1
    },
    'two changes of the configuration at once': (state) => {
      const [first] = state.configurations
      const last = state.log.entries.at(-1)
      if (first === undefined || last === undefined) return
      const { configuration } = first
      state.configurations = [
        first,
        { index: last.index, configuration },
        { index: last.index, configuration },
      ]
    },
  }
  for (const [wrong, spoil] of Object.entries(spoilt))
    it(`is not: ${wrong}`, () => {
      const { state, leader } = elected()
      spoil(state, leader)
      expect(checkState(state)).toBe(wrong)
    })

  it('is not: an agreed time of its own', () => {
    const { state, before } = elected()
    const wrong = checkTransition({ ...before, continuedTime: before.continuedTime - 5 }, state)
    expect(wrong).toBe('agreed time leaps with a new leader')
  })
})

describe('who hears its leader', () => {
  const { before: some } = elected()
  const before: Before = { ...some, term: 3, hearsLeader: true }
  const preVote = received({ type: 'PreVote', term: 4, lastLog: { index: 1, term: 1 } })
  const grant = {
    type: 'Send',
    to: 'n2',
    gate: 'none',
    message: { type: 'PreVoteReply', term: 4, voteGranted: true },
  } as const

  it('goes to no term for a pre-vote', () => {
    expect(() => checkStickiness('n1', { before, term: 4 }, preVote, [])).toThrow('nobody has')
  })

  it('gives no vote away', () => {
    expect(() => checkStickiness('n1', { before, term: 3 }, preVote, [grant])).toThrow('gives in')
    expect(() => checkStickiness('n1', { before, term: 3 }, preVote, [])).not.toThrow()
    const silent = { ...before, hearsLeader: false }
    expect(() => checkStickiness('n1', { before: silent, term: 3 }, preVote, [grant])).not.toThrow()
  })

  it('goes to the term of whom the leader handed over to', () => {
    const lastLog = { index: 1, term: 1 }
    const vote = (transfer: boolean) =>
      received({ type: 'RequestVote', term: 4, lastLog, transfer })
    expect(() => checkStickiness('n1', { before, term: 4 }, vote(false), [])).toThrow('gives in')
    expect(() => checkStickiness('n1', { before, term: 4 }, vote(true), [])).not.toThrow()
  })
})

describe('a client that could know', () => {
  const lost = { type: 'Indeterminate', reason: 'the deadline passed' } as const

  it('tells of no doubt when every attempt was refused', () => {
    const refusals = new Refusals()
    refusals.sent(1, 10)
    refusals.heard(1, 10, { type: 'Overloaded', reason: 'full' })
    expect(() => refusals.ended(1, lost)).toThrow('every attempt')
  })

  it('may doubt one attempt', () => {
    const refusals = new Refusals()
    refusals.sent(1, 10)
    refusals.sent(1, 11)
    refusals.heard(1, 11, { type: 'NotLeader', leader: null })
    expect(() => refusals.ended(1, lost)).not.toThrow()
  })
})

function received(message: Message): Input<Message> {
  return { type: 'Receive', from: 'n2', message }
}
