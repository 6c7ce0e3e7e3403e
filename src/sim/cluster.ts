/** The nodes of one simulated cluster and what connects them; nothing here knows which protocol they run. */
import { EMPTY } from '../base/bytes.js'
import type { RandomState } from '../base/random.js'
import type { Core, Entry, Member, SnapshotDelivery, SnapshotMeta } from '../consensus/contract.js'
import type { NodeId, RequestId } from '../consensus/ids.js'
import { lieAboutParts } from '../state-transfer/lie.js'
import type { Application } from './application.js'
import { AppendedRequests } from './checkers/appended.js'
import { ClusterChecker } from './checkers/cluster.js'
import type { ProtocolChecker } from './checkers/protocol.js'
import { check } from './checkers/violation.js'
import type { FrontDoor, ReplicaReply } from './clients/client.js'
import type { FaultCounts } from './faults.js'
import { ledgerApplication } from './ledger-load.js'
import { drawLiars, type Liars, type SimLiar } from './liars.js'
import { Network, NO_LINK_FAULTS } from './network.js'
import type { Greeting } from './node/identity.js'
import { SimNode } from './node.js'
import type { SimProtocol } from './protocol.js'
import { STREAM, streamOf } from './streams.js'
import type { SwarmOptions } from './swarm.js'
import type { World } from './world.js'

/** Looks at nothing. */
const UNSEEN = { started: () => {}, stepped: () => {}, synced: () => {}, sent: () => {} }
/** A snapshot that is lost on its way is reported as failed after so long. */
const SNAPSHOT_GIVEN_UP_MS = 500

export class Cluster<M extends { readonly type: string }, R, O, C extends Core<M, R>> {
  readonly nodes: readonly SimNode<M, R, O, C>[]
  readonly network: Network
  readonly door: FrontDoor
  readonly disturbance = { slowMachineMs: 0, slowDiskMs: 0, snapshotFails: 0, snapshotFlips: 0 }
  readonly notes = new Map<string, number>()
  readonly liars: Liars
  readonly protocolChecker: ProtocolChecker<C, M, R>
  readonly quorum: (n: number) => number
  readonly #world: World
  readonly #counts: FaultCounts
  /** So many must know a leader. */
  readonly #led: number
  readonly #byId = new Map<NodeId, SimNode<M, R, O, C>>()
  readonly #lies: RandomState
  readonly #liarById = new Map<NodeId, SimLiar<M, R, C>>()
  readonly #sim: SimProtocol<M, R, O, C>
  #hear: ((reply: ReplicaReply) => void) | null = null
  steps = 0

  constructor(
    world: World,
    counts: FaultCounts,
    swarm: SwarmOptions,
    sim: SimProtocol<M, R, O, C>,
    application: Application = ledgerApplication,
  ) {
    this.#world = world
    this.#counts = counts
    this.#sim = sim
    this.#lies = streamOf(world.seed, STREAM.lies)
    this.quorum = (n) => sim.quorum(n)
    this.network = new Network(world, counts, swarm.latencyMs, NO_LINK_FAULTS, {
      mutedWindows: swarm.mutedLinkWindows,
      kept: swarm.kept.messages,
    })
    this.protocolChecker = sim.newChecker()
    // Once the callback of the restored machine has run.
    const checker = new ClusterChecker((id) => world.after(0, () => this.#checkRestored(id)))
    const appended = new AppendedRequests()
    const members: Member[] = []
    for (let i = 1; i <= swarm.nodes; i++) members.push({ id: `n${i}`, uid: `uid-${i}` })
    const ids = members.map(({ id }) => id)
    this.liars = drawLiars(world.seed, ids, sim.liarsMax?.(ids.length) ?? 0, swarm)
    // Liars may be among those who go on, and of them it is not demanded.
    const led = sim.quorumIsLed === true ? sim.quorum(swarm.nodes) : swarm.nodes
    this.#led = led - this.liars.size
    this.nodes = members.map((member, index) => {
      const liar = this.#newLiar(member.id)
      if (liar !== null) this.#liarById.set(member.id, liar)
      return new SimNode(member.id, index, {
        world,
        swarm,
        sim,
        application,
        // What a liar does with itself is its own affair.
        checker: liar === null ? checker : new ClusterChecker(),
        appended: liar === null ? appended : new AppendedRequests(),
        protocolChecker: liar === null ? this.protocolChecker : UNSEEN,
        liar,
        answered: (id, entry, answers) => this.#answered(id, entry, answers),
        members,
        disturbance: this.disturbance,
        send: (from, to, bytes) => this.#send(from, to, bytes),
        sendSnapshot: (from, to, file, done) => this.#sendSnapshot(from, to, file, done),
        askPart: (by, from, bytes) =>
          this.#carry(by, from, bytes, (node, arrived) => node.partAsked(by, arrived)),
        answerPart: (from, to, bytes) =>
          this.#carry(from, to, bytes, (node, arrived) => node.partAnswered(from, arrived)),
        tellsPart: (source, part) => {
          if (swarm.lyingSources.has(source)) return lieAboutParts(part, this.#lies)
          return { part: part === null ? null : (liar?.part(part) ?? part) }
        },
        struck: (kind) => counts.add(kind),
        snapshotFailed: () => counts.add('snapshot-failed'),
        diskFailed: () => counts.add('disk-error'),
        stepped: () => {
          this.steps++
        },
        noted: (event) => this.noted(event),
        greet: (by, greeted) => this.#greet(by, greeted),
        announce: (id) => this.#announce(id),
      })
    })
    for (const node of this.nodes) this.#byId.set(node.id, node)
    this.door = {
      command: (to, request, deadlineMs, reply) => {
        const node = this.#byId.get(to)
        const stored = this.#hear === null ? null : (node?.stored(request) ?? null)
        if (stored === null) node?.command(request, deadlineMs, reply)
        else this.#tell(to, request, stored)
      },
      listen: (hear) => {
        if (sim.sceptical === true) this.#hear = hear
      },
      query: (to, query, deadlineMs, reply) => this.#byId.get(to)?.query(query, deadlineMs, reply),
    }
  }

  get ids(): NodeId[] {
    return this.nodes.map((node) => node.id)
  }

  start(): void {
    for (const node of this.nodes) node.start()
  }

  /** Their processes run, and have read their disks, and no disk still hangs. */
  isUp(ids: ReadonlySet<NodeId>): boolean {
    return this.#some(ids).every(
      ({ alive, paused, core, machine, disk }) =>
        alive && !paused && core !== null && machine !== null && !disk.faults.isHolding,
    )
  }

  noted(event: string): void {
    this.notes.set(event, (this.notes.get(event) ?? 0) + 1)
  }

  /** They are up and know the same leader, who is one of them; all, or as many as the protocol promises. */
  isLed(ids: ReadonlySet<NodeId>): boolean {
    if (!this.isUp(ids)) return false
    const followers = new Map<NodeId, number>()
    for (const { status } of this.#some(ids)) {
      const leader = status?.leader ?? null
      if (leader !== null) followers.set(leader, (followers.get(leader) ?? 0) + 1)
    }
    const needed = Math.min(this.#led, ids.size)
    return [...followers].some(
      ([leader, count]) => (ids.has(leader) || this.liars.has(leader)) && count >= needed,
    )
  }

  get honest(): NodeId[] {
    return this.ids.filter((id) => !this.liars.has(id))
  }

  get honestNode(): SimNode<M, R, O, C> | undefined {
    return this.nodes.find(({ id }) => !this.liars.has(id))
  }

  /** Nobody waits for them to answer anything. */
  isIdle(ids: ReadonlySet<NodeId>): boolean {
    return this.#some(ids).every((node) => {
      const status = node.driver?.status()
      return status?.pendingRequests === 0 && status.pendingReads === 0
    })
  }

  /** One leader that all of them know, everything committed applied everywhere, and equal states. */
  isConverged(ids: ReadonlySet<NodeId>): boolean {
    if (!this.isLed(ids)) return false
    const states = new Set<string>()
    const commits = new Set<number>()
    for (const { status, machine } of this.#some(ids)) {
      if (status === null || machine === null) return false
      const { commitIndex, appliedIndex, lastIndex } = status
      commits.add(commitIndex).add(appliedIndex)
      // A liar's votes open indices that nothing comes of.
      if (this.liars.size === 0) commits.add(lastIndex)
      states.add(`${machine.ledger.hash()} ${machine.sessions.fullHash()}`)
    }
    return commits.size === 1 && states.size === 1
  }

  #newLiar(id: NodeId): SimLiar<M, R, C> | null {
    const kind = this.liars.get(id)
    if (kind === undefined) return null
    const acted = () => this.#counts.add(`byzantine-${kind}`)
    return this.#sim.newLiar?.(kind, { partners: new Set(this.liars.keys()), acted }) ?? null
  }

  /** As the reply desk of a real node: whoever asked is told, whichever node it asked. */
  #answered(id: NodeId, entry: Entry, answers: readonly Uint8Array[]): void {
    if (this.#hear === null) return
    entry.requests.forEach((request, i) => {
      const answer = answers[i]
      if (answer !== undefined) this.#tell(id, request, answer)
    })
  }

  #tell(id: NodeId, { session, seq }: RequestId, answer: Uint8Array): void {
    const node = this.#byId.get(id)
    if (node?.hearsClients !== true) return
    const view = node.status?.term ?? 0
    const told = this.#liarById.get(id)?.answer(answer) ?? answer
    this.#hear?.({ replica: id, view, session, seq, answer: told })
  }

  /** A restored state ends every request that was appended: only what waits to be proposed may go on to wait. */
  #checkRestored(id: NodeId): void {
    const status = this.#byId.get(id)?.driver?.status()
    if (status === undefined) return
    check(
      status.pendingRequests <= status.queuedRequests,
      'restore-answers',
      () => `${id} restored a snapshot, and ${status.pendingRequests} requests go on to wait`,
    )
  }

  #some(ids: ReadonlySet<NodeId>): readonly SimNode<M, R, O, C>[] {
    return ids.size === this.nodes.length
      ? this.nodes
      : this.nodes.filter((node) => ids.has(node.id))
  }

  /** A handshake with each peer that takes part and can be reached, both ways. */
  #greet(by: NodeId, greeted: (greeting: Greeting) => void): void {
    for (const peer of this.nodes) {
      if (peer.id === by || peer.hasForeignDisk) continue
      this.network.send(by, peer.id, EMPTY, () => {
        if (!peer.alive || peer.paused || peer.core === null) return
        const greeting = peer.identity.greeting()
        this.network.send(peer.id, by, EMPTY, () => greeted(greeting))
      })
    }
  }

  /** It connects to all, and they to it: each learns of the other's start. */
  #announce(id: NodeId): void {
    const node = this.#byId.get(id)
    if (node === undefined) return
    const life = node.identity.start
    for (const peer of this.nodes)
      if (peer !== node)
        this.network.send(id, peer.id, EMPTY, () => {
          if (node.identity.start !== life || peer.core === null || peer.hasForeignDisk) return
          peer.identity.meets(node.identity)
          if (node.core !== null) node.identity.meets(peer.identity)
        })
  }

  #send(from: NodeId, to: NodeId, bytes: Uint8Array): void {
    this.#carry(from, to, bytes, (node, arrived) => node.receive(from, arrived))
  }

  #carry(
    from: NodeId,
    to: NodeId,
    bytes: Uint8Array,
    deliver: (node: SimNode<M, R, O, C>, arrived: Uint8Array) => void,
  ): void {
    this.network.send(from, to, bytes, (arrived) => {
      const node = this.#byId.get(to)
      if (node?.alive !== true) return
      this.#world.mark(5, Number(to.slice(1)), Number(from.slice(1)), arrived)
      deliver(node, arrived)
    })
  }

  /** What was flipped on the way, behind the checksum of the frame: in some router's memory, in a proxy. */
  #damaged(pieces: readonly Uint8Array[]): readonly Uint8Array[] {
    const world = this.#world
    const at = world.int(0, Math.max(0, pieces.length - 1))
    const piece = pieces[at]
    if (!world.chance(this.disturbance.snapshotFlips) || piece === undefined || piece.length === 0)
      return pieces
    this.#counts.add('snapshot-piece-flipped')
    const flipped = piece.slice()
    const bit = world.int(0, 8 * piece.length - 1)
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    return pieces.map((one, i) => (i === at ? flipped : one))
  }

  /** Its own stream: it arrives whole or not at all, but a partition and a loss hold for it too. */
  #sendSnapshot(
    from: NodeId,
    to: NodeId,
    file: { readonly meta: SnapshotMeta; readonly pieces: readonly Uint8Array[] },
    done: (end: SnapshotDelivery) => void,
  ): void {
    const failed = this.#world.chance(this.disturbance.snapshotFails)
    if (failed) this.#counts.add('snapshot-failed')
    let ended = false
    const end = (delivered: boolean) => {
      if (ended) return
      ended = true
      done(delivered ? 'delivered' : 'undelivered')
    }
    // Whatever becomes of it, the sender hears something: of a receiver that died on the way, that it failed.
    this.#world.after(SNAPSHOT_GIVEN_UP_MS, () => end(false))
    if (failed) return
    this.network.send(from, to, EMPTY, () => {
      const node = this.#byId.get(to)
      if (ended || node?.alive !== true) return
      node.receiveSnapshot(from, { meta: file.meta, pieces: this.#damaged(file.pieces) }, end)
    })
  }
}
