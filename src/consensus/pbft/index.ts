/** PBFT as the contract's consensus module: a state, a step, and the codecs its host needs. */
import { assert } from '../../base/assert.js'
import { EMPTY } from '../../base/bytes.js'
import type { Core, CoreStatus, Effect, Input, Protocol } from '../contract.js'
import { Out } from '../out.js'
import { decodeMessage, encodeMessage } from './codec.js'
import { BATCH_REQUESTS_MAX, INDICES_MAX } from './encoding.js'
import { GATE, type Message } from './messages.js'
import type { PbftNote } from './notes.js'
import type { Options } from './options.js'
import { decodeRecords, encodeRecords, lastIndexOf, type WalRecord } from './records.js'
import { recoverState, resume } from './recovery.js'
import { isPrimary, primary, type State } from './state.js'
import { stepState } from './step.js'

export type { Message } from './messages.js'
export { DEFAULT_OPTIONS, type Options } from './options.js'
export type { WalRecord } from './records.js'
export type { State } from './state.js'

/** One PBFT replica. `state` is plain data, for tests, the dashboard and time travel; only `step` changes it. */
export class Pbft implements Core<Message, WalRecord> {
  readonly state: State

  constructor(state: State) {
    this.state = state
  }

  step(input: Input<Message>): Effect<Message, WalRecord>[] {
    const out = new Out<Message, WalRecord, PbftNote>(GATE, this.state)
    stepState(this.state, input, out)
    return out.finish()
  }

  status(): CoreStatus {
    return statusOf(this.state)
  }

  /** Votes lost are lost: no outline of them brings them back (see Lost in records.ts). */
  shape(): Uint8Array {
    return EMPTY
  }

  stateRecord(): WalRecord {
    const { view, active, mute, newView, viewChange, snapshot, snapshotHistory } = this.state
    const { checkpoints } = this.state.stable
    const { members } = this.state.configuration
    const views = { view, active, mute, newView, viewChange }
    return { type: 'State', ...views, checkpoints, snapshot, history: snapshotHistory, members }
  }
}

export const pbft: Omit<Protocol<Message, WalRecord, Options>, 'recover'> & {
  recover(...args: Parameters<Protocol<Message, WalRecord, Options>['recover']>): {
    core: Pbft
    effects: Effect<Message, WalRecord>[]
  }
} = {
  name: 'pbft',
  recover(records, self, options) {
    assert(options.windowIndices >= 2 * options.checkpointInterval, 'L is at least two intervals')
    // More would be said in messages that nobody reads.
    assert(options.windowIndices <= INDICES_MAX, 'L is no longer than a list of indices')
    assert(options.batchRequestsMax <= BATCH_REQUESTS_MAX, 'a batch is no longer than its list')
    const state = recoverState(records, self, options)
    const out = new Out<Message, WalRecord, PbftNote>(GATE, state)
    resume(state, out)
    return { core: new Pbft(state), effects: out.finish() }
  },
  bootstrap: (members) => ({ type: 'Bootstrap', members }),
  encodeMessage,
  decodeMessage,
  encodeRecords,
  decodeRecords,
  lastIndexOf,
  lost: () => ({ type: 'Lost' }),
  snapshotLost: () => ({ type: 'SnapshotLost' }),
}

/** Nobody counts what others have: votes do. */
const NO_MATCHES: CoreStatus['matchIndex'] = new Map()

function statusOf(s: State): CoreStatus {
  const formed = s.replicas.length > 0
  return {
    role: formed && s.active && isPrimary(s) ? 'primary' : 'backup',
    term: s.view,
    leader: formed && s.active ? primary(s) : null,
    firstIndex: s.stable.index + 1,
    lastIndex: lastIndexIn(s),
    commitIndex: s.lastExecuted,
    appliedIndex: s.lastExecuted,
    snapshotIndex: s.snapshot?.index ?? 0,
    configuration: s.configuration,
    matchIndex: NO_MATCHES,
    missing: 0,
  }
}

/** Votes alone, which a liar may cast on any index, put nothing into the log. */
function lastIndexIn(s: State): number {
  let last = s.lastExecuted
  // Asked at each step: of a whole window of slots most are executed, and only their numbers are looked at.
  for (const index of s.slots.keys()) {
    if (index <= last) continue
    const slot = s.slots.get(index)
    if (slot?.proposed != null || slot?.committed != null) last = index
  }
  return last
}
