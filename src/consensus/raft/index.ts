/** Raft as the contract's consensus module: a state, a step, and the codecs its host needs. */
import { assert } from '../../base/assert.js'
import type { Core, CoreStatus, Effect, Input, Protocol } from '../contract.js'
import type { Index, NodeId } from '../ids.js'
import { Out } from '../out.js'
import { isVoter } from '../quorum.js'
import * as Codec from './codec.js'
import { applyCommitted } from './commitment.js'
import { lastIndex, missingCount, snapshotIndex } from './log.js'
import { GATE, type Message } from './messages.js'
import type { RaftNote } from './notes.js'
import type { Options } from './options.js'
import { lastIndexOf, recoverState, type WalRecord } from './records.js'
import { noteDamage } from './repair.js'
import { decodeShape, encodeShape, shapeOf } from './shape.js'
import { configurationOf, leaderOf, type State } from './state.js'
import { stepState } from './step.js'

export type { Message } from './messages.js'
export { DEFAULT_OPTIONS, type Options } from './options.js'
export type { WalRecord } from './records.js'
export type { State } from './state.js'

/** One Raft node. `state` is plain data, for tests, the dashboard and time travel; only `step` changes it. */
export class Raft implements Core<Message, WalRecord> {
  readonly state: State

  constructor(state: State) {
    this.state = state
  }

  step(input: Input<Message>): Effect<Message, WalRecord>[] {
    const out = new Out<Message, WalRecord, RaftNote>(GATE, this.state)
    stepState(this.state, input, out)
    return out.finish()
  }

  status(): CoreStatus {
    return statusOf(this.state)
  }

  stateRecord(): WalRecord {
    const { term, votedFor, log } = this.state
    return { type: 'State', term, votedFor, snapshot: log.snapshot }
  }

  shape(): Uint8Array {
    return encodeShape(shapeOf(this.state, this.state.log))
  }
}

export const raft: Omit<Protocol<Message, WalRecord, Options>, 'recover'> & {
  recover(...args: Parameters<Protocol<Message, WalRecord, Options>['recover']>): {
    core: Raft
    effects: Effect<Message, WalRecord>[]
  }
} = {
  name: 'raft',
  recover(records, self, options) {
    assert(options.electionTicks > options.heartbeatTicks, 'elections wait longer than heartbeats')
    const state = recoverState(records, self, options)
    const out = new Out<Message, WalRecord, RaftNote>(GATE, state)
    if (state.log.snapshot !== null) out.restore(state.log.snapshot)
    applyCommitted(state, out)
    noteDamage(state, out)
    return { core: new Raft(state), effects: out.finish() }
  },
  bootstrap: (members) => ({ type: 'Bootstrap', members }),
  encodeMessage: Codec.encodeMessage,
  decodeMessage: Codec.decodeMessage,
  encodeRecords: Codec.encodeRecords,
  decodeRecords: Codec.decodeRecords,
  lost(bytes) {
    const shape = decodeShape(bytes)
    return shape && { type: 'Lost', shape }
  },
  snapshotLost: () => ({ type: 'SnapshotLost' }),
  lastIndexOf,
}

function statusOf(s: State): CoreStatus {
  const configuration = configurationOf(s)
  const role =
    s.role.type === 'follower' && !isVoter(configuration, s.id) && configuration.voters.length > 0
      ? 'learner'
      : s.role.type
  const matchIndex = new Map<NodeId, Index>()
  if (s.role.type === 'leader')
    for (const [peer, progress] of s.role.progress) matchIndex.set(peer, progress.matchIndex)
  return {
    role,
    term: s.term,
    leader: leaderOf(s),
    firstIndex: s.log.offset.index + 1,
    lastIndex: lastIndex(s.log),
    commitIndex: s.commitIndex,
    appliedIndex: s.lastApplied,
    missing: missingCount(s.log),
    snapshotIndex: snapshotIndex(s.log),
    configuration,
    matchIndex,
  }
}
