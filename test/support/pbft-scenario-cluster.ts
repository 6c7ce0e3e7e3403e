/** The replicas of a scenario of PBFT and the network between them, which moves only when a command says so. */
import { toHex } from '../../src/base/bytes.js'
import { latin1Encode } from '../../src/base/latin1.js'
import type { Entry, Request } from '../../src/consensus/contract.js'
import type { NodeId } from '../../src/consensus/ids.js'
import { hashedBytes, signedBytes } from '../../src/consensus/pbft/encoding.js'
import { type Message, type Options, pbft } from '../../src/consensus/pbft/index.js'
import {
  type Batch,
  type Digest,
  type Proposed,
  statementsOf,
} from '../../src/consensus/pbft/messages.js'
import { fakeKeys, fakeVerify } from '../../src/crypto/fake.js'
import { PbftScenarioNode, type Surroundings } from './pbft-scenario-node.js'
import { renderBatch, renderMessage, renderRequests } from './pbft-scenario-render.js'

interface Flying {
  readonly number: number
  readonly from: NodeId
  readonly to: NodeId
  readonly bytes: Uint8Array
  readonly type: Message['type']
}

/** A script that never falls quiet is wrong. */
const DELIVERIES_MAX = 10_000

export class PbftScenarioCluster implements Surroundings {
  readonly options: Omit<Options, 'crypto'>
  readonly nodes = new Map<NodeId, PbftScenarioNode>()
  readonly lines: string[] = []
  quiet = false
  flying: Flying[] = []
  readonly #blocked = new Set<string>()
  #sent = 0
  readonly #seqs = new Map<string, number>()
  readonly #names = new Map<Digest, string>()
  readonly #log = new Map<number, string>()
  readonly #said = new Map<string, string>()
  /** Those for whom a script forged something: they are not held to what they said. */
  readonly #liars = new Set<NodeId>()

  constructor(ids: readonly NodeId[], options: Omit<Options, 'crypto'>) {
    this.options = options
    const formed = pbft.bootstrap(ids.map((id) => ({ id, uid: `uid-${id}` })))
    this.quiet = true
    for (const id of ids) {
      const node = new PbftScenarioNode(id, this, formed)
      this.nodes.set(id, node)
      node.boot()
      node.tick()
    }
    this.quiet = false
    this.lines.length = 0
    this.#name(null)
  }

  node(id: string | undefined): PbftScenarioNode {
    const node = this.nodes.get(id ?? '')
    if (node === undefined) throw new Error(`there is no node ${id}`)
    return node
  }

  trace(line: string, chatter: boolean): void {
    if (!chatter || !this.quiet) this.lines.push(line)
  }

  /** A name stands for one request, however often it is asked. */
  request(name: string): Request {
    const seq = this.#seqs.get(name) ?? this.#seqs.size + 1
    this.#seqs.set(name, seq)
    return { session: 1, seq, ackedThrough: 0, command: latin1Encode(name) }
  }

  /** The primary of view 0 tells only some: a batch for an index, signed with its own key. */
  forge(
    from: NodeId,
    index: number,
    given: { names: readonly string[]; to: readonly NodeId[] },
  ): void {
    this.#liars.add(from)
    const batch: Batch = { time: 1, requests: given.names.map((name) => this.request(name)) }
    const view = this.node(from).running().state.view
    const unsigned: Proposed = {
      type: 'Proposed',
      view,
      index,
      digest: this.#name(batch),
      sender: from,
      epoch: 0,
      signature: new Uint8Array(0),
    }
    const signature = fakeKeys(from).sign(signedBytes(this.options.clusterId, unsigned))
    this.leave(from, given.to, { type: 'PrePrepare', proposed: { ...unsigned, signature }, batch })
  }

  #name(batch: Batch | null): Digest {
    const digest = toHex(fakeKeys('').digest(hashedBytes(this.options.clusterId, batch)))
    this.#names.set(digest, renderBatch(batch))
    return digest
  }

  nameOf(digest: Digest): string {
    return this.#names.get(digest) ?? 'unknown'
  }

  leave(from: NodeId, to: readonly NodeId[], message: Message): void {
    if (message.type === 'PrePrepare') this.#name(message.batch)
    this.#checkSaid(from, message)
    const text = renderMessage(message, (digest) => this.nameOf(digest))
    const open = to.filter((id) => !this.#blocked.has(`${from}>${id}`))
    const lost = to.filter((id) => !open.includes(id))
    if (lost.length > 0) this.trace(`${from} -x ${lost.join(' ')} ${text}`, true)
    if (open.length === 0) return
    const bytes = pbft.encodeMessage(message)
    const first = this.#sent + 1
    for (const id of open)
      this.flying.push({ number: ++this.#sent, from, to: id, bytes, type: message.type })
    const numbers = open.length === 1 ? `#${first}` : `#${first}..${this.#sent}`
    this.trace(`${from} -> ${open.join(' ')} ${numbers} ${text}`, true)
  }

  deliver(flying: Flying): void {
    this.remove(flying)
    const { from, to, number } = flying
    const target = this.node(to)
    if (target.core === null) return this.trace(`${to} is down: #${number} is lost`, true)
    const message = pbft.decodeMessage(flying.bytes)
    if (message === null) throw new Error(`the codec does not read #${number}`)
    for (const one of statementsOf(message))
      if (!fakeVerify(one.sender, signedBytes(this.options.clusterId, one), one.signature))
        throw new Error(`#${number} is signed by nobody`)
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

  /** Nothing sent from now on crosses from one side to another; what is on the way still arrives. */
  partition(sides: readonly (readonly NodeId[])[]): void {
    for (const side of sides)
      for (const other of sides)
        if (side !== other)
          for (const a of side) for (const b of other) this.#blocked.add(`${a}>${b}`)
  }

  heal(): void {
    this.#blocked.clear()
  }

  // What must hold of all replicas together.

  /** Nobody executes something else at an index. */
  applied(id: NodeId, entry: Entry): void {
    const text = `${entry.time} ${renderRequests(entry.requests)}`
    const known = this.#log.get(entry.index)
    if (known !== undefined && known !== text)
      throw new Error(`${id} executes ${text} at ${entry.index}, another executed ${known}`)
    this.#log.set(entry.index, text)
  }

  /** What an honest replica said stays said, whatever it forgot. */
  #checkSaid(from: NodeId, m: Message): void {
    if (this.#liars.has(from)) return
    const slot =
      m.type === 'PrePrepare' ? m.proposed : m.type === 'Prepare' || m.type === 'Commit' ? m : null
    if (slot === null || slot.sender !== from) return
    const key = `${from} ${m.type} ${slot.view}/${slot.index}`
    const known = this.#said.get(key)
    if (known !== undefined && known !== slot.digest) throw new Error(`${key}: two things`)
    this.#said.set(key, slot.digest)
  }
}
