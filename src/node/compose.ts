/**
 * A node from its start to its end, put together: it listens, finds its peers, forms the cluster with them or finds that
 * it has formed, and then turns its ring (ring.ts) until it is closed or cannot go on.
 */
import { randomInt } from 'node:crypto'
import type { Communicator } from '../communicator/communicator.js'
import type { Member } from '../consensus/contract.js'
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
import type { NodeError } from './errors.js'
import { Forming } from './forming.js'
import { BYZANTINE_KINDS } from './liars.js'
import { listen } from './listen.js'
import { type Log, SILENT } from './log.js'
import { closeLog, formLog } from './node-log.js'
import { NodeReplica } from './node-replica.js'
import { pbftOf } from './pbft.js'
import { communicatorOf } from './peers.js'
import type { NodeProtocol } from './protocol.js'
import { raftOf } from './raft.js'
import { recoverNode, requireWhole } from './recovery.js'
import { Ring } from './ring.js'
import type { NodeParts, RunningNode } from './running-node.js'
import { StartsFile } from './starts-file.js'
import { openStorage, type Storage } from './storage.js'

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
  /** Null until the cluster has formed and the log is folded. */
  #ring: Ring<M, R> | null = null
  #space: DiskSpace | null = null
  #ticker: NodeJS.Timeout | null = null
  #closing: Promise<void> | null = null
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
      view: () => this.#ring?.driver.coreStatus.term ?? 0,
      machine: this.#machine,
    })
    this.#byzantine = new Byzantine(config.protocol === 'pbft' ? BYZANTINE_KINDS : [])
    for (const kind of liars?.kinds ?? []) this.#byzantine.add(kind)
    this.closed = new Promise((resolve, reject) => {
      this.#ended = { resolve, reject }
    })
    // Whoever does not wait for the end is told by the log.
    this.closed.catch(() => {})
    this.#forming = new Forming(consensus, {
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
      const members = new Set(this.#config.initialCluster.map(({ name }) => name))
      const met = StartsFile.open(
        this.#config.dataDir,
        (one) => members.has(one.id) && this.#forming.believes(one),
      )
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
            parts: this.#ring?.transfer?.counters(),
            signatures: this.#consensus.signing?.keyring.counters,
          }),
      },
    )
  }

  #makeCommunicator(storage: Storage<R>, formed: boolean): Communicator {
    const { clusterId, uid } = storage.dataDir.identity
    return communicatorOf({
      config: this.#config,
      of: { clusterId, uid, incarnation: this.#incarnation },
      formed,
      seed: randomInt(1, MAX_SEED),
      forming: this.#forming,
      onMessage: (from, message) => this.#ring?.driver.receive(from, message),
      ring: () => this.#ring,
      metrics: this.#metrics,
      log: this.#log,
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
    const { damage, snapshots } = storage
    const log = this.#log
    const consensus = this.#consensus
    const of = { consensus, records, damage, snapshots, self: this.#self(), log }
    const recovery = await recoverNode(of)
    if (this.#closing !== null) return
    const { members } = recovery.core.status().configuration
    communicator.setFormed(members)
    const ring = new Ring({
      config: this.#config,
      consensus,
      incarnation: this.#incarnation,
      storage,
      recovery,
      communicator,
      machine: this.#machine,
      desk: this.#desk,
      byzantine: this.#byzantine,
      metrics: this.#metrics,
      log,
      failed: (error) => this.#fail(error),
    })
    this.#ring = ring
    this.#replica?.serve({ driver: ring.driver, machine: this.#machine })
    this.#forming.formed(members)
    this.#ticker = setInterval(() => this.#tick(ring), this.#config.timing.tickMs)
  }

  #parts(): { storage: Storage<R>; communicator: Communicator } {
    if (this.#storage === null || this.#communicator === null) throw new Error('not started')
    return { storage: this.#storage, communicator: this.#communicator }
  }

  #tick(ring: Ring<M, R>): void {
    const now = performance.now()
    ring.tick(now)
    this.#replica?.noteLeader()
    const leads = () => this.#replica?.numbers().isLeader === true
    this.#metrics.times.ticked(now, 2 * this.#config.timing.heartbeatMs, leads)
  }

  async #watchSpace(): Promise<void> {
    const { dataDir, limits } = this.#config
    this.#space = new DiskSpace(dataDir, limits.diskReserveBytes, (low, freeBytes) => {
      const problem = `no space: ${freeBytes} bytes left on the disk of ${this.#config.name}`
      this.#replica?.space(low ? problem : null)
      this.#log.warn({ freeBytes }, low ? 'the disk is nearly full' : 'the disk has room again')
      if (low) this.#ring?.handOver()
    })
    await this.#space.start()
  }

  /** Nothing leaves any more. What cannot go on ends with the reason. */
  #fail(error: NodeError): void {
    if (this.#closing !== null) return
    this.#ring?.stop()
    this.#log.error({ exitCode: error.exitCode }, error.message)
    this.#closing = this.#shutDown().then(() => this.#ended.reject(error))
  }

  async #shutDown(): Promise<void> {
    if (this.#ticker !== null) clearInterval(this.#ticker)
    this.#replica?.stopServing('the node is stopping')
    this.#space?.stop()
    this.#forming.stop()
    this.#ring?.stop()
    this.#communicator?.close()
    await Promise.all(this.#servers.map((server) => server.close(CLOSE_GRACE_MS)))
    const storage = this.#storage
    if (storage === null) return
    await storage.snapshotDisk.end(CLOSE_GRACE_MS)
    await closeLog(storage.wal, { refused: this.#ring === null, graceMs: CLOSE_GRACE_MS })
    await storage.dataDir.close()
  }
}
