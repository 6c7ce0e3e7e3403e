/** The nodes of a scenario and the network between them, which moves only when a command says so. */
import type { SnapshotMeta } from '../../src/consensus/contract.js'
import type { NodeId } from '../../src/consensus/ids.js'
import { type Message, type Options, raft } from '../../src/consensus/raft/index.js'
import type { LogEntry } from '../../src/consensus/raft/messages.js'
import { ScenarioNode, type Surroundings } from './scenario-node.js'
import { renderCommands, renderMessage } from './scenario-render.js'

interface Flying {
  readonly number: number
  readonly from: NodeId
  readonly to: NodeId
  readonly bytes: Uint8Array
  readonly type: Message['type']
}

interface SnapshotFlying {
  readonly from: NodeId
  readonly to: NodeId
  readonly snapshot: SnapshotMeta
  readonly machine: readonly string[]
}

/** A script that never falls quiet is wrong. */
const DELIVERIES_MAX = 10_000

export class ScenarioCluster implements Surroundings {
  readonly options: Options
  readonly nodes = new Map<NodeId, ScenarioNode>()
  readonly lines: string[] = []
  quiet = false
  flying: Flying[] = []
  #snapshots: SnapshotFlying[] = []
  #blocked = new Set<string>()
  #sent = 0
  #requests = 0
  readonly #reads: string[] = []
  readonly #log = new Map<number, string>()
  readonly #leaders = new Map<number, NodeId>()
  readonly #votes = new Map<string, NodeId>()

  constructor(ids: readonly NodeId[], options: Options) {
    this.options = options
    const members = ids.map((id) => ({ id, uid: `uid-${id}` }))
    for (const [i, id] of ids.entries())
      this.nodes.set(id, new ScenarioNode(id, { world: this, seed: i + 1, members }))
    this.quiet = true
    for (const node of this.nodes.values()) node.boot()
    this.quiet = false
    this.lines.length = 0
  }

  node(id: string | undefined): ScenarioNode {
    const node = this.nodes.get(id ?? '')
    if (node === undefined) throw new Error(`there is no node ${id}`)
    return node
  }

  trace(line: string, chatter: boolean): void {
    if (!chatter || !this.quiet) this.lines.push(line)
  }

  /** A message leaves: its bytes are what travels. */
  leave(from: NodeId, to: NodeId, message: Message): void {
    this.#checkVote(from, to, message)
    const text = renderMessage(message)
    if (this.#blocked.has(`${from}>${to}`)) {
      this.trace(`${from} -x ${to} ${text}`, true)
      return
    }
    const number = ++this.#sent
    const bytes = raft.encodeMessage(message)
    this.flying.push({ number, from, to, bytes, type: message.type })
    this.trace(`${from} -> ${to} #${number} ${text}`, true)
  }

  deliver(flying: Flying): void {
    this.remove(flying)
    const { from, to, number } = flying
    const target = this.node(to)
    if (target.core === null) {
      this.trace(`${to} is down: #${number} is lost`, true)
      return
    }
    const message = raft.decodeMessage(flying.bytes)
    if (message === null) throw new Error(`the codec does not read #${number}`)
    this.trace(`${to} <- ${from} #${number} ${flying.type}`, true)
    target.step({ type: 'Receive', from, message })
  }

  /** Delivers, oldest first, until nothing is on the way. */
  deliverAll(): void {
    for (let left = DELIVERIES_MAX; this.flying.length > 0; left--) {
      if (left === 0) throw new Error('the messages do not end')
      this.deliver(this.flying[0] as Flying)
    }
  }

  remove(flying: Flying): void {
    this.flying = this.flying.filter((one) => one !== flying)
  }

  duplicate(flying: Flying): void {
    const number = ++this.#sent
    this.flying.push({ ...flying, number })
    this.trace(`#${flying.number} is doubled as #${number}`, false)
  }

  /** Nothing sent from now on crosses from one side to another; what is on the way still arrives. */
  partition(sides: readonly (readonly NodeId[])[]): void {
    for (const side of sides)
      for (const other of sides)
        if (side !== other) for (const a of side) for (const b of other) this.block(a, b)
  }

  block(from: NodeId, to: NodeId): void {
    this.#blocked.add(`${this.node(from).id}>${this.node(to).id}`)
  }

  heal(): void {
    this.#blocked.clear()
  }

  propose(id: NodeId, names: readonly string[]): void {
    this.node(id).propose(
      names,
      names.map(() => ++this.#requests),
    )
  }

  read(id: NodeId, name: string): void {
    const number = this.#reads.push(name)
    const node = this.node(id)
    node.step({ type: 'Read', id: { incarnation: node.start, number } })
  }

  readName(id: { number: number }): string {
    return `read ${this.#reads[id.number - 1]}`
  }

  sendSnapshot(from: NodeId, to: NodeId, snapshot: SnapshotMeta, machine: readonly string[]): void {
    this.#snapshots.push({ from, to, snapshot, machine })
    this.trace(`${from} sends ${to} its snapshot through ${snapshot.index}`, false)
  }

  /** The oldest snapshot on its way to `to` arrives whole, or its sender hears that it did not. */
  snapshotEnds(to: NodeId, arrives: boolean): void {
    const one = this.#snapshots.find((s) => s.to === to)
    if (one === undefined) throw new Error(`no snapshot is on its way to ${to}`)
    this.#snapshots = this.#snapshots.filter((s) => s !== one)
    const { from, snapshot } = one
    if (!arrives) return this.node(from).step({ type: 'SnapshotFailed', snapshot, peer: to })
    this.node(to).files.set(snapshot.index, one.machine)
    this.node(to).step({ type: 'SnapshotReceived', from, snapshot })
  }

  // What must hold of all nodes together.

  /** State Machine Safety: nobody ever applies another entry at an index. */
  applied(id: NodeId, entry: LogEntry): void {
    const text = `term ${entry.term} ${renderCommands(entry)}`
    const known = this.#log.get(entry.index)
    if (known !== undefined && known !== text)
      throw new Error(`${id} applies ${text} at ${entry.index}, another applied ${known}`)
    this.#log.set(entry.index, text)
  }

  /** Election Safety: one leader a term. */
  leads(id: NodeId, term: number): void {
    const known = this.#leaders.get(term)
    if (known !== undefined && known !== id) throw new Error(`${id} and ${known} lead term ${term}`)
    this.#leaders.set(term, id)
  }

  /** A vote that has left is never given to another, whatever the voter forgot. */
  #checkVote(from: NodeId, to: NodeId, m: Message): void {
    const granted = m.type === 'RequestVoteReply' && m.voteGranted
    if (!granted && m.type !== 'RequestVote') return
    const key = `${from} in term ${m.term}`
    const votedFor = granted ? to : from
    const known = this.#votes.get(key)
    if (known !== undefined && known !== votedFor)
      throw new Error(`${key} votes for ${votedFor} and for ${known}`)
    this.#votes.set(key, votedFor)
  }
}
