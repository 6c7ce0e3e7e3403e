/** The promises of PBFT, kept by every honest replica over all its starts. */
import type { Effect, Input } from '../../consensus/contract.js'
import type { Index, NodeId } from '../../consensus/ids.js'
import type { Message, Pbft, WalRecord } from '../../consensus/pbft/index.js'
import {
  type Before,
  checkState,
  checkTransition,
  type Proven,
  remember,
} from '../../consensus/pbft/invariants.js'
import type { SlotId } from '../../consensus/pbft/messages.js'
import { quorum } from '../../consensus/pbft/quorum.js'
import { requestKey, type State, type Waiting } from '../../consensus/pbft/state.js'
import { PbftMarks } from '../marks/pbft.js'
import { Promises } from './promises.js'
import type { ProtocolChecker } from './protocol.js'
import { check, Violation } from './violation.js'

/** In one start. */
interface Replica {
  before: Before
  written: { readonly batch: number; readonly records: readonly WalRecord[] }[]
  /** What is on its disk. */
  readonly promised: Promises
  /** The request that it knows longest. */
  waits: { oldest: Waiting | null; view: number; ticks: number; patience: number }
  /** In this start; and by peer, so many were over when it was heard last. */
  ticks: number
  readonly heardAt: Map<NodeId, number>
  /** What it sent last, which goes to one after the other. */
  last: Message | null
  /** Below it nothing is prepared or committed any more. */
  leftBelow: number
}

const NO_WAITS = { oldest: null, view: 0, ticks: 0, patience: 0 }

export class PbftChecker implements ProtocolChecker<Pbft, Message, WalRecord> {
  readonly #replicas = new Map<NodeId, Replica>()
  readonly #marks = new PbftMarks()
  readonly #proven: Proven = new WeakSet()
  /** By sender, kind, view and index: the one digest that was signed, and the start in which that was said last. */
  readonly #said = new Map<string, { readonly digest: string; start: Replica | undefined }>()
  /** By index: what was committed, in whatever view. */
  readonly #committed = new Map<Index, string>()

  get marks(): ReadonlyMap<string, number> {
    return this.#marks.counts
  }

  started(id: NodeId, core: Pbft, records: readonly WalRecord[]): void {
    this.#marks.started(id, core)
    const leftBelow = this.#replicas.get(id)?.leftBelow ?? 0
    check(
      core.state.view >= leftBelow,
      'durable-view',
      () => `${id} restarted in view ${core.state.view} after it had left for ${leftBelow}`,
    )
    const promised = new Promises()
    for (const record of records) promised.keep(record)
    this.#replicas.set(id, {
      before: remember(core.state),
      written: [],
      promised,
      last: null,
      waits: NO_WAITS,
      ticks: 0,
      heardAt: new Map(),
      leftBelow,
    })
  }

  stepped(
    id: NodeId,
    core: Pbft,
    input: Input<Message>,
    effects: readonly Effect<Message, WalRecord>[],
  ): void {
    const replica = this.#replicas.get(id)
    if (replica === undefined) return
    const wrong =
      checkState(core.state, this.#proven) ?? checkTransition(replica.before, core.state)
    if (wrong !== null) throw new Violation('pbft-state', `${id}: ${wrong}`)
    replica.before = remember(core.state)
    this.#marks.stepped(id, core, input, effects)
    if (input.type === 'Receive' && input.from !== id)
      replica.heardAt.set(input.from, replica.ticks)
    if (input.type === 'Tick') this.#patience(id, replica, core.state)
    for (const effect of effects) {
      if (effect.type !== 'Persist') continue
      replica.written.push({ batch: effect.batch, records: effect.records })
      for (const record of effect.records) if (record.type === 'Committed') this.#commit(id, record)
    }
  }

  /** Nobody who hears Q waits longer in one view than patience lasts, whatever else goes on (TOCS 2002 §4.5.2: fairness). */
  #patience(id: NodeId, replica: Replica, s: State): void {
    // Not by its name: executed, and asked for again, it waits anew.
    const [oldest = null] = s.waiting.values()
    const { waits } = replica
    const now = ++replica.ticks
    let lately = 0
    for (const at of replica.heardAt.values()) if (now - at <= s.options.statusTicks) lately++
    if (oldest === null || !s.active || waits.view !== s.view || waits.oldest !== oldest) {
      replica.waits = { oldest, view: s.view, ticks: 0, patience: s.requestTicks }
      return
    }
    if (lately + 1 < quorum(s.replicas.length)) return
    waits.ticks++
    waits.patience = Math.max(waits.patience, s.requestTicks)
    check(
      waits.ticks <= waits.patience + 1,
      'oldest-request',
      () =>
        `${id} lets request ${requestKey(oldest.request)} wait for ${waits.ticks} ticks in view ${s.view}`,
    )
  }

  synced(id: NodeId, batch: number): void {
    const replica = this.#replicas.get(id)
    if (replica === undefined) return
    while (replica.written[0] !== undefined && replica.written[0].batch <= batch)
      for (const record of replica.written.shift()?.records ?? []) replica.promised.keep(record)
  }

  /** What leaves is what the disk holds, and never the contrary of what left before. */
  sent(from: NodeId, _to: NodeId, m: Message): void {
    const replica = this.#replicas.get(from)
    if (replica === undefined || replica.last === m) return
    replica.last = m
    const { promised } = replica
    switch (m.type) {
      case 'PrePrepare':
        if (m.proposed.sender !== from) return
        isPromised(from, promised.hasAccepted(m.proposed), () => `accepted ${name(m.proposed)}`)
        return this.#says(from, 'Proposed', m.proposed)
      case 'Prepare':
        isPromised(from, promised.hasAccepted(m), () => `accepted ${name(m)}`)
        this.#votes(from, replica, m.view)
        return this.#says(from, m.type, m)
      case 'Commit':
        isPromised(from, promised.hasPrepared(m), () => `prepared ${name(m)}`)
        this.#votes(from, replica, m.view)
        return this.#says(from, m.type, m)
      case 'ViewChange':
        if (m.sender !== from) return
        isPromised(from, promised.hasLeftFor(m.view), () => `left for ${m.view}`)
        replica.leftBelow = Math.max(replica.leftBelow, m.view)
        return
      case 'Checkpoint':
        return this.#says(from, m.type, { view: 0, index: m.index, digest: m.digest })
      case 'NewView':
        if (m.sender === from)
          isPromised(from, promised.hasEntered(m.view), () => `entered ${m.view}`)
        return
      default:
        return
    }
  }

  #votes(id: NodeId, replica: Replica, view: number): void {
    const { leftBelow } = replica
    check(
      view >= leftBelow,
      'left-view',
      () => `${id} votes in ${view} after it left for ${leftBelow}`,
    )
  }

  #says(id: NodeId, kind: string, slot: SlotId): void {
    const key = `${id} ${kind} ${slot.view} ${slot.index}`
    const start = this.#replicas.get(id)
    const before = this.#said.get(key)
    if (before === undefined) {
      this.#said.set(key, { digest: slot.digest, start })
      return
    }
    check(before.digest === slot.digest, 'equivocation', () => `${key}: two digests`)
    if (before.start === start || kind === 'Checkpoint') return
    before.start = start
    this.#marks.saidAgain()
  }

  #commit(id: NodeId, { commits }: { readonly commits: readonly SlotId[] }): void {
    const [first] = commits
    if (first === undefined) return
    const before = this.#committed.get(first.index)
    if (before === undefined) this.#committed.set(first.index, first.digest)
    else
      check(
        before === first.digest,
        'committed-batch',
        () => `${id} committed another batch at ${first.index} than a replica before it`,
      )
  }
}

function isPromised(id: NodeId, is: boolean, promise: () => string): void {
  check(is, 'durable-promise', () => `${id} speaks as if it had written "${promise()}"`)
}

function name({ view, index, digest }: SlotId): string {
  return `${view} ${index} ${digest}`
}
