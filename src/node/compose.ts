/**
 * The one place where the parts of a node are made and put together. A node listens, finds its peers, forms the
 * cluster with them or finds that it has formed, and then runs its core until it is closed or cannot go on.
 */
import { randomInt } from 'node:crypto'
import { Communicator } from '../communicator/communicator.js'
import type { Core, Member, Note } from '../consensus/contract.js'
import type { NodeId } from '../consensus/ids.js'
import { Driver } from '../driver/driver.js'
import { KvMachine } from '../machine/kv/kv-machine.js'
import { SessionMachine } from '../machine/machine.js'
import type { Server } from '../rpc/types.js'
import { Metrics } from '../server/http/metrics/metrics.js'
import type { ReplyDesk } from '../server/reply-desk.js'
import { Byzantine } from './byzantine.js'
import type { NodeConfig } from './config.js'
import { countersOf } from './counters.js'
import { deskOf } from './desk.js'
import { DiskSpace } from './disk-space.js'
import { dataRefused, type NodeError } from './errors.js'
import { etcdMembers } from './etcd.js'
import { Forming } from './forming.js'
import { BYZANTINE_KINDS } from './liars.js'
import { hostPort, listen } from './listen.js'
import { type Log, SILENT } from './log.js'
import { MachineHost } from './machine-host.js'
import { closeLog, formLog, NodeLog } from './node-log.js'
import { NodeReplica } from './node-replica.js'
import { TOLD } from './notes.js'
import { pbftOf } from './pbft.js'
import type { NodeProtocol } from './protocol.js'
import { raftOf } from './raft.js'
import { recoverNode, requireWhole } from './recovery.js'
import type { NodeParts, RunningNode } from './running-node.js'
import { Snapshots, snapshotFailed } from './snapshots.js'
import { StartsFile } from './starts-file.js'
import { StateTransfer } from './state-transfer.js'
import { openStorage, PARTS, type Storage } from './storage.js'

/** Calls in progress get so long to end when the node stops. */
const CLOSE_GRACE_MS = 300
const MAX_SEED = 2 ** 47

/** Resolves once the node listens; the cluster may still be forming. Throws NodeError. */
export async function startNode(config: NodeConfig, parts: NodeParts = {}): Promise<RunningNode> {
  return config.protocol === 'pbft'
    ? started(new NodeProcess(config, pbftOf(config, parts.log ?? SILENT), parts))
    : started(new NodeProcess(config, raftOf(config), parts))
}

async function started<M extends { readonly type: string }, R extends { readonly type: string }>(
  node: NodeProcess<M, R>,
): Promise<RunningNode> {
  await node.start()
  return node
}

class NodeProcess<M extends { readonly type: string }, R extends { readonly type: string }>
  implements RunningNode
{
  readonly closed: Promise<void>
  readonly #config: NodeConfig
  readonly #consensus: NodeProtocol<M, R>
  readonly #machine: SessionMachine
  /** Null: an embedder's machine is replicated. */
  readonly #kv: KvMachine | null
  /** Null where nothing is signed. */
  readonly #desk: ReplyDesk | null
  readonly #log: Log
  readonly #incarnation = randomInt(1, MAX_SEED)
  readonly #metrics = new Metrics()
  readonly #forming: Forming
  readonly #byzantine: Byzantine
  #ended: { resolve: () => void; reject: (error: NodeError) => void } = {
    resolve: () => {},
    reject: () => {},
  }
  #storage: Storage<R> | null = null
  #communicator: Communicator | null = null
  #replica: NodeReplica | null = null
  #servers: readonly Server[] = []
  #driver: Driver<M, R> | null = null
  #core: Core<M, R> | null = null
  #host: MachineHost | null = null
  #snapshots: Snapshots | null = null
  /** Null: Raft, whose leader sends snapshots whole. */
  #transfer: StateTransfer | null = null
  #space: DiskSpace | null = null
  #ticker: NodeJS.Timeout | null = null
  #closing: Promise<void> | null = null
  #damage: string | null = null
  clientEndpoint: string | null = null
  peerEndpoint = ''

  constructor(config: NodeConfig, consensus: NodeProtocol<M, R>, parts: NodeParts) {
    this.#config = config
    this.#consensus = consensus
    const machine = parts.machine ?? new KvMachine()
    this.#kv = machine instanceof KvMachine ? machine : null
    this.#machine = new SessionMachine(machine)
    this.#log = parts.log ?? SILENT
    const { liars } = consensus
    this.#desk = deskOf(consensus.signing, {
      lie: liars === null ? null : (answer) => liars.answer(answer),
      replica: config.name,
      view: () => this.#core?.status().term ?? 0,
      machine: this.#machine,
    })
    this.#byzantine = new Byzantine(config.protocol === 'pbft' ? BYZANTINE_KINDS : [])
    for (const kind of liars?.kinds ?? []) this.#byzantine.add(kind)
    this.closed = new Promise((resolve, reject) => {
      this.#ended = { resolve, reject }
    })
    // Whoever does not wait for the end is told by the log.
    this.closed.catch(() => {})
    this.#forming = new Forming({
      announce: (bytes) => this.#communicator?.setBootstrap(bytes),
      waits: (why) => this.#replica?.waits(why),
      form: (members) => this.#form(members),
      refused: (error) => this.#fail(error),
    })
  }

  get replica(): NodeReplica {
    if (this.#replica === null) throw new Error('the node is not started')
    return this.#replica
  }

  async start(): Promise<void> {
    const { protocol } = this.#consensus
    const storage = await openStorage(this.#config, protocol, this.#log, {
      failed: (error) => this.#fail(error),
      synced: (seconds) => this.#metrics.synced(seconds),
    })
    this.#storage = storage
    const { identity } = storage.dataDir
    const formed = this.#consensus.isBootstrapped(storage.records)
    try {
      requireWhole(storage, formed)
      const start = { id: this.#config.name, uid: identity.uid, number: identity.starts }
      const met = StartsFile.open(this.#config.dataDir)
      this.#forming.starts({ ...start, incarnation: this.#incarnation }, met)
      this.#replica = this.#makeReplica(storage)
      this.#communicator = this.#makeCommunicator(storage, formed)
      const log = this.#log
      const ports = { communicator: this.#communicator, replica: this.#replica }
      const own = { kv: this.#kv, metrics: this.#metrics, byzantine: this.#byzantine }
      const parts = { ...ports, ...own, log }
      const listening = await listen(this.#config, parts)
      this.#servers = listening.servers
      this.peerEndpoint = listening.peerEndpoint
      this.clientEndpoint = listening.clientEndpoint
      this.#forming.listensAt(listening.clientEndpoint ?? '')
      this.#communicator.start()
      await this.#watchSpace()
      if (formed) {
        await storage.dataDir.setFormed()
        await this.#run(storage.records)
      } else {
        const self = { id: this.#config.name, uid: identity.uid }
        this.#forming.begin(
          self,
          this.#config.initialCluster.map((member) => member.name),
        )
      }
    } catch (error) {
      await this.close()
      throw error
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown().then(() => this.#ended.resolve())
    return this.#closing
  }

  #makeReplica(storage: Storage<R>): NodeReplica {
    const { uid, clusterId } = storage.dataDir.identity
    return new NodeReplica(
      {
        config: this.#config,
        uid,
        clusterId,
        incarnation: this.#incarnation,
        now: () => performance.now(),
        signing: this.#consensus.signing,
        signed: this.#desk,
        pbft: () => this.#consensus.details(),
      },
      {
        blocked: () => this.#communicator?.blocked() ?? [],
        faults: () => this.#communicator?.faults().targets ?? [],
        connected: (id) => this.#communicator?.connected(id) ?? false,
        clientEndpointOf: (id) => this.#forming.clientEndpointOf(id),
        counters: () =>
          countersOf({
            peers: this.#communicator?.counters(),
            log: storage.wal.counters,
            parts: this.#transfer?.counters(),
            signatures: this.#consensus.signing?.keyring.counters,
          }),
      },
    )
  }

  #makeCommunicator(storage: Storage<R>, formed: boolean): Communicator {
    const { clusterId, uid } = storage.dataDir.identity
    const { ids } = etcdMembers(this.#config)
    const peers = new Map<NodeId, string>()
    for (const { name, address } of this.#config.initialCluster)
      if (name !== this.#config.name) peers.set(name, hostPort(address))
    return new Communicator({
      identity: {
        clusterId,
        nodeId: this.#config.name,
        uid,
        incarnation: this.#incarnation,
        protocol: this.#config.protocol,
        groupId: 0,
      },
      peers,
      seed: randomInt(1, MAX_SEED),
      bootstrap: new Uint8Array(0),
      formed,
      onMessage: (from, message) => this.#driver?.receive(from, message),
      onHello: (heard) => this.#forming.heard(heard),
      objection: (heard) => this.#forming.objection(heard),
      onGone: (id) => this.#forming.gone(id),
      openSnapshot: (snapshot, done) => {
        if (this.#snapshots === null) setImmediate(() => done(null))
        else this.#snapshots.openToSend(snapshot, done)
      },
      receiveSnapshot: (from, meta, bytesTotal) =>
        this.#snapshots?.receive(from, meta, bytesTotal) ?? 'the node is starting',
      parts: {
        asked: (snapshot, part, done) => this.#transfer?.asked(snapshot, part, done),
        answered: (from, part, data) => this.#transfer?.answered(from, part, data),
      },
      onRoundTrip: (id, seconds) => this.#metrics.roundTrip(ids.memberOf(id), seconds),
      log: (event) => this.#log.info(event, 'peer'),
    })
  }

  /** The first record of every log; then this node is a member. */
  #form(members: readonly Member[]): void {
    const storage = this.#storage
    if (storage === null) return
    const of = { consensus: this.#consensus, self: this.#self(), members }
    formLog(storage.wal, of, (record) => {
      storage.dataDir
        .setFormed()
        .then(() => {
          this.#log.info({ members }, 'the cluster has formed')
          return this.#run([record])
        })
        .catch((error: NodeError) => this.#fail(error))
    })
  }

  #self() {
    return {
      id: this.#config.name,
      seed: randomInt(1, MAX_SEED),
      incarnation: this.#incarnation,
    }
  }

  async #run(records: readonly R[]): Promise<void> {
    const { storage, communicator } = this.#parts()
    const { timing } = this.#config
    const { damage, snapshots } = storage
    const recovery = await recoverNode({
      consensus: this.#consensus,
      records,
      damage,
      snapshots,
      self: this.#self(),
      log: this.#log,
    })
    if (this.#closing !== null) return
    const { core, effects } = recovery
    this.#damage = recovery.damage
    const { members } = core.status().configuration
    communicator.setFormed(members)
    this.#core = core
    this.#snapshots = new Snapshots(
      storage.snapshots,
      {
        commitIndex: () => core.status().commitIndex,
        saved: (seconds) => this.#metrics.times.snapshotSaved(seconds),
        received: (from, snapshot) => this.#driver?.snapshotReceived(from, snapshot),
        unreadable: (error) => this.#log.error({ code: error.code }, error.message),
        failed: (error) => this.#fail(snapshotFailed(error)),
      },
      recovery.loaded,
    )
    if (this.#config.protocol === 'pbft')
      this.#transfer = this.#makeTransfer(communicator, this.#snapshots, core)
    this.#host = new MachineHost(this.#machine, this.#snapshots, this.#desk, this.#metrics)
    const nodeLog = this.#makeNodeLog(storage, core)
    this.#driver = new Driver({
      id: this.#config.name,
      incarnation: this.#incarnation,
      core,
      effects,
      protocol: this.#consensus.protocol,
      ports: {
        wal: nodeLog,
        communicator: this.#transfer?.port() ?? communicator,
        machine: this.#host,
        scheduler: { soon: setImmediate },
        notes: { note: (note) => this.#note(note) },
      },
      lastBatch: storage.wal.lastBatch,
      limits: { tickMs: timing.tickMs, electionTimeoutMs: timing.electionTimeoutMs },
    })
    this.#replica?.serve({ driver: this.#driver, machine: this.#machine })
    this.#forming.formed(members)
    this.#ticker = setInterval(() => this.#tick(nodeLog), timing.tickMs)
  }

  #makeTransfer(communicator: Communicator, snapshots: Snapshots, core: Core<M, R>): StateTransfer {
    const transfer = new StateTransfer({
      communicator,
      snapshots,
      hashing: PARTS,
      newest: () => core.status().snapshotIndex,
      received: (from, snapshot) => this.#driver?.snapshotReceived(from, snapshot),
      failed: (from, why) => this.#log.warn({ from, why }, 'no state from this peer'),
    })
    this.#byzantine.add(transfer.byzantine)
    return transfer
  }

  #parts(): { storage: Storage<R>; communicator: Communicator } {
    if (this.#storage === null || this.#communicator === null) throw new Error('not started')
    return { storage: this.#storage, communicator: this.#communicator }
  }

  #makeNodeLog(storage: Storage<R>, core: Core<M, R>): NodeLog {
    return new NodeLog(storage.wal, {
      snapshotIndex: () => core.status().snapshotIndex,
      // In the machine's order, since a Restore that waits there still needs its file.
      keepFrom: (index) => this.#host?.inOrder(() => this.#snapshots?.keepFrom(index)),
    })
  }

  #tick(nodeLog: NodeLog): void {
    const now = performance.now()
    this.#driver?.tick(now, this.#consensus.wallClock ? Date.now() : now)
    this.#replica?.noteLeader()
    const leads = () => this.#replica?.numbers().isLeader === true
    this.#metrics.times.ticked(now, 2 * this.#config.timing.heartbeatMs, leads)
    nodeLog.tick(now)
  }

  #note(note: Note): void {
    if (TOLD.has(note.event)) this.#log.info(note, note.event)
    // Nobody has what our disk lost, and without it this node stands for what it cannot give.
    if (note.event === 'repair-hopeless')
      this.#fail(
        dataRefused(`${this.#damage ?? 'the log is damaged'}; no member has what is missing`),
      )
  }

  async #watchSpace(): Promise<void> {
    const { dataDir, limits } = this.#config
    this.#space = new DiskSpace(dataDir, limits.diskReserveBytes, (low, freeBytes) => {
      const problem = `no space: ${freeBytes} bytes left on the disk of ${this.#config.name}`
      this.#replica?.space(low ? problem : null)
      this.#log.warn({ freeBytes }, low ? 'the disk is nearly full' : 'the disk has room again')
      if (low) this.#handOver()
    })
    await this.#space.start()
  }

  /** To whoever has most of the log: it can take over soonest. */
  #handOver(): void {
    const status = this.#core?.status()
    if (status?.role !== 'leader') return
    const [best] = [...status.matchIndex].sort(([, a], [, b]) => b - a)
    if (best !== undefined) this.#driver?.transferLeadership(best[0])
  }

  /** Nothing leaves any more. What cannot go on ends with the reason. */
  #fail(error: NodeError): void {
    if (this.#closing !== null) return
    this.#driver?.stop()
    this.#host?.stop()
    this.#log.error({ exitCode: error.exitCode }, error.message)
    this.#closing = this.#shutDown().then(() => this.#ended.reject(error))
  }

  async #shutDown(): Promise<void> {
    if (this.#ticker !== null) clearInterval(this.#ticker)
    this.#replica?.stopServing('the node is stopping')
    this.#space?.stop()
    this.#forming.stop()
    this.#driver?.stop()
    this.#host?.stop()
    this.#transfer?.close()
    this.#communicator?.close()
    await Promise.all(this.#servers.map((server) => server.close(CLOSE_GRACE_MS)))
    const storage = this.#storage
    if (storage === null) return
    await closeLog(storage.wal, { refused: this.#core === null, graceMs: CLOSE_GRACE_MS })
    await storage.dataDir.close()
  }
}
