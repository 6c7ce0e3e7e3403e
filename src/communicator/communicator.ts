/**
 * A node's voice among its peers: one stream to each that it keeps open, and the service on which they reach it.
 * It promises nothing but that what arrives is whole, comes from a member's stream and stands in the order in
 * which that stream carried it; the core sends again what matters.
 */
import { seededRandom } from '../base/random.js'
import type { Member, SnapshotDelivery, SnapshotMeta } from '../consensus/contract.js'
import type { NodeId } from '../consensus/ids.js'
import type { CommunicatorPort } from '../driver/ports.js'
import type { FaultPlan, TargetFaults } from '../faults/plan.js'
import type { Route } from '../rpc/types.js'
import { Counters } from './counters.js'
import { Door } from './door.js'
import type { Host } from './host.js'
import { Incoming } from './incoming.js'
import { PeerLink } from './link.js'
import { ChangeLog } from './log.js'
import { SnapshotReceiver } from './snapshot-receiver.js'
import { SnapshotSender } from './snapshot-sender.js'
import { StateAsker } from './state-asker.js'
import { StateServer } from './state-server.js'
import { COMMUNICATOR_LIMITS, type CommunicatorOptions, type PeerTraffic } from './types.js'

export class Communicator implements CommunicatorPort {
  readonly #host: Host
  readonly #links = new Map<NodeId, PeerLink>()
  readonly #incoming: Incoming
  readonly #receiver: SnapshotReceiver
  readonly #asker: StateAsker
  readonly #stateServer: StateServer
  /** One to each peer; also one that a block has silenced, until the block is lifted. */
  readonly #senders = new Map<NodeId, SnapshotSender>()
  readonly #opening = new Set<NodeId>()
  /** Of the data directories with which the cluster was formed. */
  #uids: ReadonlyMap<NodeId, string> = new Map()
  #closed = false

  constructor(options: CommunicatorOptions) {
    const random = seededRandom(options.seed)
    this.#host = {
      identity: options.identity,
      limits: { ...COMMUNICATOR_LIMITS, ...options.limits },
      members: { has: (id) => options.peers.has(id), uidOf: (id) => this.#uids.get(id) },
      counters: new Counters(),
      door: new Door(random, (id) => this.#healed(id)),
      random,
      log: new ChangeLog(options.log),
      options,
      bootstrap: options.bootstrap,
      formed: options.formed,
    }
    for (const [id, endpoint] of options.peers)
      this.#links.set(id, new PeerLink(this.#host, id, endpoint))
    this.#incoming = new Incoming(this.#host)
    this.#receiver = new SnapshotReceiver(this.#host)
    this.#asker = new StateAsker(this.#host)
    this.#stateServer = new StateServer(this.#host)
  }

  /** For the server on the peer port; they work at once. */
  routes(): Route[] {
    return [this.#incoming.route(), this.#receiver.route(), this.#stateServer.route()]
  }

  /** Dials every peer. */
  start(): void {
    for (const link of this.#links.values()) link.start()
  }

  send(to: NodeId, message: Uint8Array): void {
    const link = this.#links.get(to)
    if (link === undefined) this.#host.counters.droppedUnknown++
    else link.send(message)
  }

  /** One at a time to each peer; a second is not delivered. */
  sendSnapshot(to: NodeId, snapshot: SnapshotMeta, done: (end: SnapshotDelivery) => void): void {
    const { door, options } = this.#host
    const endpoint = options.peers.get(to)
    const busy = this.#senders.has(to) || this.#opening.has(to)
    if (endpoint === undefined || busy || this.#closed || door.isBlocked(to)) {
      setImmediate(() => done('undelivered'))
      return
    }
    this.#opening.add(to)
    options.openSnapshot(snapshot, (source) => {
      this.#opening.delete(to)
      if (source === null || this.#closed || door.isBlocked(to)) {
        source?.close()
        setImmediate(() => done(source === null ? 'unreadable' : 'undelivered'))
        return
      }
      const sender = new SnapshotSender(this.#host, { id: to, endpoint }, source, (end) => {
        if (!door.isBlocked(to) && this.#senders.get(to) === sender) this.#senders.delete(to)
        done(end)
      })
      this.#senders.set(to, sender)
    })
  }

  /** Asks a peer for a part of a snapshot; whoever asks asks again when nothing comes. */
  askPart(from: NodeId, snapshot: Uint8Array, part: Uint8Array): void {
    if (!this.#closed && this.#host.formed) this.#asker.ask(from, { snapshot, part })
  }

  /** No more parts are asked of it for now. */
  leaveParts(from: NodeId): void {
    this.#asker.leave(from)
  }

  /** What our Hello tells from now on; every peer hears it. */
  setBootstrap(bootstrap: Uint8Array): void {
    this.#host.bootstrap = bootstrap
    for (const link of this.#links.values()) link.announce()
  }

  /** The cluster has formed with these data directories: from now on messages are exchanged, with them only. */
  setFormed(members: readonly Member[]): void {
    this.#uids = new Map(members.map((member) => [member.id, member.uid]))
    this.#host.formed = true
    this.#incoming.recheck()
    for (const link of this.#links.values()) link.recheck()
  }

  /** To these peers nothing is sent, until the next call or for `ttlMs` (0: no end). In memory only. */
  setPartition(blocked: readonly NodeId[], ttlMs = 0): void {
    this.#host.door.setPartition(blocked, ttlMs)
  }

  /** What is done to the messages that are written from now on, until the next call or for `ttlMs` (0: no end). */
  setFaults(targets: readonly TargetFaults[], ttlMs = 0): void {
    this.#host.door.setFaults(targets, ttlMs)
  }

  faults(): FaultPlan & { readonly ttlLeftMs: number; readonly faultsTtlLeftMs: number } {
    const { plan, ttlLeftMs, faultsTtlLeftMs } = this.#host.door
    return { ...plan, ttlLeftMs, faultsTtlLeftMs }
  }

  blocked(): readonly NodeId[] {
    return this.#host.door.plan.blocked
  }

  /** Whether our stream to it is up. */
  connected(id: NodeId): boolean {
    return this.#links.get(id)?.connected === true
  }

  /** Of each peer, since the start. */
  traffic(): PeerTraffic[] {
    return [...this.#links].map(([id, link]) => ({
      id,
      connected: link.connected,
      bytesSent: link.traffic.bytesSent,
      bytesReceived: this.#incoming.bytesFrom(id),
      sendsFailed: link.traffic.sendsFailed,
      disconnects: link.traffic.disconnects,
    }))
  }

  counters(): Map<string, number> {
    return this.#host.counters.asMap()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#host.door.close()
    for (const link of this.#links.values()) link.close()
    for (const sender of this.#senders.values()) sender.close()
    this.#senders.clear()
    this.#receiver.close()
    this.#asker.close()
    this.#stateServer.close()
    this.#incoming.close()
  }

  #healed(id: NodeId): void {
    const silenced = this.#senders.get(id)
    if (silenced?.over === true) {
      this.#senders.delete(id)
      silenced.close()
    }
    this.#asker.healed(id)
    this.#links.get(id)?.healed()
  }
}
