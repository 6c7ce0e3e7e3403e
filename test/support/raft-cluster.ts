/**
 * A few Raft cores joined by a network that does only what the test says: every message waits in `flights` until
 * it is delivered, dropped or duplicated, in whatever order. After every step the invariants of one node are
 * checked, and those of all: one leader a term (§5.2), one entry an index (State Machine Safety, §5.4.3).
 */
import type { Entry, Request, SnapshotMeta } from '../../src/consensus/contract.js'
import type { NodeId } from '../../src/consensus/ids.js'
import {
  DEFAULT_OPTIONS,
  type Message,
  type Options,
  raft,
  type WalRecord,
} from '../../src/consensus/raft/index.js'
import { type RaftEffect, TestNode } from './raft-node.js'

export type Carried = Message | { readonly type: 'Snapshot'; readonly snapshot: SnapshotMeta }

export interface Flight {
  readonly number: number
  readonly from: NodeId
  readonly to: NodeId
  readonly message: Carried
}

export interface FlightPattern {
  readonly from?: NodeId | undefined
  readonly to?: NodeId | undefined
  readonly type?: Carried['type'] | undefined
  readonly number?: number | undefined
}

/** Short timers, small windows: what takes thousands of entries in production takes a handful here. */
export const TEST_OPTIONS: Options = {
  ...DEFAULT_OPTIONS,
  electionTicks: 10,
  heartbeatTicks: 2,
  inflightMessagesMax: 4,
}

export function request(seq: number, text = `x${seq}`): Request {
  const command = Uint8Array.from(text, (char) => char.charCodeAt(0))
  return { session: 1, seq, ackedThrough: 0, command }
}

export class RaftCluster {
  readonly nodes = new Map<NodeId, TestNode>()
  readonly ids: readonly NodeId[]
  flights: Flight[] = []
  /** Called with every effect and delivery, for traces. */
  onEffect: (id: NodeId, effect: RaftEffect) => void = () => {}
  onSent: (flight: Flight) => void = () => {}
  onSynced: (id: NodeId, batch: number) => void = () => {}
  readonly #blocked = new Set<string>()
  readonly #leaders = new Map<number, NodeId>()
  readonly #entries = new Map<number, string>()
  readonly #written = new Map<string, string>()
  #number = 0
  #seq = 0

  constructor(ids: readonly NodeId[], options: Partial<Options> = {}) {
    this.ids = ids
    const bootstrap = raft.bootstrap(ids.map((id) => ({ id, uid: `uid-${id}` })))
    for (const id of ids) {
      const node = new TestNode(
        id,
        [bootstrap],
        { ...TEST_OPTIONS, ...options },
        {
          send: (from, to, message) => this.#launch(from, to, decoded(message)),
          sendSnapshot: (from, to, snapshot) =>
            this.#launch(from, to, { type: 'Snapshot', snapshot }),
          applied: (_, entries) => this.#checkApplied(entries),
          restored: () => {},
          effect: (from, effect) => {
            this.#checkLeader(from)
            if (effect.type === 'Persist') this.#checkWritten(from, effect.records)
            this.onEffect(from, effect)
          },
          synced: (from, batch) => this.onSynced(from, batch),
        },
      )
      this.nodes.set(id, node)
    }
  }

  node(id: NodeId): TestNode {
    const node = this.nodes.get(id)
    if (node === undefined) throw new Error(`no node ${id}`)
    return node
  }

  leader(): TestNode | null {
    let best: TestNode | null = null
    for (const node of this.nodes.values()) {
      if (!node.isUp || node.core.state.role.type !== 'leader') continue
      if (best === null || node.core.state.term > best.core.state.term) best = node
    }
    return best
  }

  tick(id: NodeId, count = 1): void {
    for (let i = 0; i < count; i++) this.node(id).tick()
  }

  tickAll(count = 1): void {
    for (let i = 0; i < count; i++)
      for (const node of this.nodes.values()) if (node.isUp) node.tick()
  }

  /** Messages between the two groups are lost when they are sent; those on their way still arrive. */
  partition(a: readonly NodeId[], b: readonly NodeId[]): void {
    for (const from of a)
      for (const to of b) {
        this.block(from, to)
        this.block(to, from)
      }
  }

  block(from: NodeId, to: NodeId): void {
    this.#blocked.add(`${from}>${to}`)
  }

  heal(): void {
    this.#blocked.clear()
  }

  matching(pattern: FlightPattern = {}): Flight[] {
    return this.flights.filter(
      (flight) =>
        (pattern.number === undefined || flight.number === pattern.number) &&
        (pattern.from === undefined || flight.from === pattern.from) &&
        (pattern.to === undefined || flight.to === pattern.to) &&
        (pattern.type === undefined || flight.message.type === pattern.type),
    )
  }

  /** Delivers what is on its way now and matches, in the order of sending; answers wait. Tells how many. */
  deliver(pattern: FlightPattern = {}): number {
    const chosen = this.matching(pattern)
    for (const flight of chosen) this.deliverOne(flight)
    return chosen.length
  }

  deliverOne(flight: Flight, options: { keep?: boolean } = {}): void {
    if (options.keep !== true) this.flights = this.flights.filter((other) => other !== flight)
    const { from, to, message } = flight
    const node = this.node(to)
    if (!node.isUp) {
      this.#snapshotLost(flight)
      return
    }
    if (message.type === 'Snapshot')
      node.step({ type: 'SnapshotReceived', from, snapshot: message.snapshot })
    else node.step({ type: 'Receive', from, message })
  }

  /** Lost; the sender of a snapshot is told so, as by its communicator. */
  drop(pattern: FlightPattern = {}): number {
    const chosen = this.matching(pattern)
    this.flights = this.flights.filter((flight) => !chosen.includes(flight))
    for (const flight of chosen) this.#snapshotLost(flight)
    return chosen.length
  }

  /** Its sender hears of it, as from its communicator. */
  #snapshotLost({ from, to, message }: Flight): void {
    if (message.type === 'Snapshot' && this.node(from).isUp)
      this.node(from).step({ type: 'SnapshotFailed', snapshot: message.snapshot, peer: to })
  }

  /** Until nothing is on its way and nothing unsynced, but for nodes whose disk the test controls. */
  settle(rounds = 100): void {
    for (let i = 0; i < rounds && this.flights.length > 0; i++) this.deliver()
    if (this.flights.length > 0) throw new Error('the network does not come to rest')
  }

  /** Only this node's time passes until it leads; the network is kept settled. */
  elect(id: NodeId): void {
    const node = this.node(id)
    for (let i = 0; i < 200 && node.core.state.role.type !== 'leader'; i++) {
      // Others must have forgotten their leader, or they stay loyal.
      for (const other of this.nodes.values())
        if (other.isUp && other !== node && i < 10) other.tick()
      node.tick()
      this.settle()
    }
    if (node.core.state.role.type !== 'leader') throw new Error(`${id} was not elected`)
  }

  /** One entry with so many requests; their seqs go on across calls. */
  propose(id: NodeId, count = 1): Request[] {
    const requests = Array.from({ length: count }, () => request(++this.#seq))
    this.node(id).step({ type: 'Propose', requests })
    return requests
  }

  #launch(from: NodeId, to: NodeId, message: Carried): void {
    if (this.#blocked.has(`${from}>${to}`)) {
      if (message.type === 'Snapshot')
        this.node(from).step({ type: 'SnapshotFailed', snapshot: message.snapshot, peer: to })
      return
    }
    const flight = { number: ++this.#number, from, to, message }
    this.flights.push(flight)
    this.onSent(flight)
  }

  #checkLeader(id: NodeId): void {
    const node = this.nodes.get(id)
    if (node === undefined || !node.isUp || node.core.state.role.type !== 'leader') return
    const { term } = node.core.state
    const known = this.#leaders.get(term)
    if (known !== undefined && known !== id)
      throw new Error(`Election Safety: ${known} and ${id} both lead term ${term}`)
    this.#leaders.set(term, id)
  }

  /** Log Matching (§5.3): one index and term is one entry, also where it comes back after it was lost. */
  #checkWritten(id: NodeId, records: readonly WalRecord[]): void {
    for (const record of records) {
      if (record.type !== 'Append' && record.type !== 'Filled') continue
      for (const entry of record.entries) {
        const key = `${entry.index}/${entry.term}`
        const { time, requests } = entry
        const text = JSON.stringify({ time, seqs: requests.map((r) => r.seq) })
        const known = this.#written.get(key)
        if (known === undefined && record.type === 'Append') this.#written.set(key, text)
        else if (known !== text) throw new Error(`${id} writes ${text} at ${key}, was ${known}`)
      }
    }
  }

  #checkApplied(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const { index, time, requests } = entry
      const text = JSON.stringify({ index, time, seqs: requests.map((r) => r.seq) })
      const known = this.#entries.get(entry.index)
      if (known === undefined) this.#entries.set(entry.index, text)
      else if (known !== text)
        throw new Error(`State Machine Safety at ${entry.index}: ${known} and ${text}`)
    }
  }
}

/** Every message goes through its codec, as on the wire. */
function decoded(message: Message): Message {
  const read = raft.decodeMessage(raft.encodeMessage(message))
  if (read === null) throw new Error(`undecodable: ${JSON.stringify(message)}`)
  return read
}
