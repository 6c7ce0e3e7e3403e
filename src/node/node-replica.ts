/** The node as its services see it: the driver, the machine and the communicator behind one interface. */
import type { Request } from '../consensus/contract.js'
import type { NodeId } from '../consensus/ids.js'
import type { Driver } from '../driver/driver.js'
import type { ReadDone, SubmitDone } from '../driver/outcomes.js'
import type { AskOptions, DriverStatus } from '../driver/setup.js'
import type { TargetFaults } from '../gen/quorate/v1/faults.js'
import type { PbftStatus, StatusResponse } from '../gen/quorate/v1/quorate.js'
import type { SessionMachine } from '../machine/machine.js'
import type { ServerView } from '../server/http/metrics/server.js'
import type { Replica, TransferRefusal, Way } from '../server/replica.js'
import type { SignedDoor } from '../server/signed-door.js'
import { VERSION } from '../version.js'
import type { NodeConfig } from './config.js'
import type { Signing } from './protocol.js'

/** What is there once the cluster has formed and this node's log is open. */
export interface Running {
  readonly driver: Pick<
    Driver<{ readonly type: string }, unknown>,
    'submit' | 'read' | 'transferLeadership' | 'coreStatus' | 'status'
  >
  readonly machine: SessionMachine
}

/** Facts that do not change while the process lives. */
export interface NodeFacts {
  readonly config: NodeConfig
  readonly uid: string
  readonly clusterId: string
  readonly incarnation: number
  /** Monotonic ms; the driver's clock. */
  readonly now: () => number
  /** Null where nothing is signed. */
  readonly signing: Signing | null
  readonly signed: SignedDoor | null
  /** Absent over Raft. */
  readonly pbft: () => PbftStatus | undefined
}

/** What the communicator knows. */
export interface PeersView {
  blocked(): readonly NodeId[]
  faults(): readonly TargetFaults[]
  connected(id: NodeId): boolean
  clientEndpointOf(id: NodeId): string
  counters(): ReadonlyMap<string, number>
}

export class NodeReplica implements Replica {
  readonly name: NodeId
  readonly commandTimeoutMs: number
  readonly commandBytesMax: number
  readonly #facts: NodeFacts
  readonly #peers: PeersView
  readonly #startedAt: number
  #running: Running | null = null
  /** Why the node does not serve: forming, starting, stopping, a dead disk. */
  #why = 'the node is starting'
  #ownEndpoint = ''
  #stopping = false
  /** Resolves when a leader is known for the first time. */
  readonly led: Promise<void>
  #isLed: () => void = () => {}
  #lastLeader: NodeId | null = null
  #leaderChanges = 0
  /** Why no new command is taken; null: there is room. */
  #noSpace: string | null = null

  constructor(facts: NodeFacts, peers: PeersView) {
    this.name = facts.config.name
    this.commandTimeoutMs = facts.config.limits.commandTimeoutMs
    this.commandBytesMax = facts.config.limits.requestBytesMax
    this.#facts = facts
    this.#peers = peers
    this.#startedAt = facts.now()
    this.led = new Promise((resolve) => {
      this.#isLed = resolve
    })
  }

  serve(running: Running): void {
    this.#running = running
  }

  stopServing(why: string): void {
    this.#stopping = true
    this.#running = null
    this.#why = why
  }

  /** Why it does not serve yet, for whoever asks. */
  waits(why: string): void {
    this.#why = why
  }

  space(problem: string | null): void {
    this.#noSpace = problem
  }

  listensAt(endpoint: string): void {
    this.#ownEndpoint = endpoint
  }

  /** False once the node stops, or its disk has failed. */
  get healthy(): boolean {
    return !this.#stopping
  }

  unavailable(): string | null {
    return this.#running === null ? this.#why : null
  }

  get signed(): SignedDoor | null {
    return this.#facts.signed
  }

  /** Null where nothing is signed. */
  get signing(): Signing | null {
    return this.#facts.signing
  }

  /** Why a write would not be served now; null: it would. */
  notReady(): string | null {
    return this.unavailable() ?? this.#noSpace ?? (this.leaderKnown ? null : 'no leader')
  }

  get leaderKnown(): boolean {
    return (this.#running?.driver.coreStatus.leader ?? null) !== null
  }

  submit(request: Request, timeoutMs: number, done: SubmitDone, way?: Way): void {
    if (this.#running === null) done({ type: 'NotLeader', leader: null })
    else if (this.#noSpace !== null && !this.#ledByAnother)
      done({ type: 'Overloaded', reason: this.#noSpace })
    else this.#running.driver.submit(request, this.#within(timeoutMs, way), done)
  }

  /** Over PBFT every replica takes every request, and no view that ends takes it along. */
  #within(timeoutMs: number, way: Way | undefined): AskOptions {
    const forward = (way?.forward ?? false) || this.signed !== null
    return { deadline: this.#facts.now() + timeoutMs, forward }
  }

  /**
   * Then want of room here is no reason to back off:
   * 1. n1 is full and has handed over to n2. 2. A client asks n1, is told to back off, and does: it asks n1 again.
   * It never hears of n2, which has room.
   */
  get #ledByAnother(): boolean {
    const leader = this.#running?.driver.coreStatus.leader ?? null
    return leader !== null && leader !== this.name
  }

  read(timeoutMs: number, done: ReadDone, way?: Way): void {
    if (this.#running === null) done({ type: 'NotLeader', leader: null })
    else this.#running.driver.read(this.#within(timeoutMs, way), done)
  }

  query(query: Uint8Array): Uint8Array {
    if (this.#running === null) throw new Error(this.#why)
    return this.#running.machine.query(query)
  }

  appliedIndex(): number {
    return this.#running?.machine.appliedIndex ?? 0
  }

  /** Who leads, in which term, and how far the log goes, without the rest of the status. */
  get progress(): { leader: NodeId | null; term: number; lastIndex: number } {
    const status = this.#running?.driver.coreStatus
    return {
      leader: status?.leader ?? null,
      term: status?.term ?? 0,
      lastIndex: status?.lastIndex ?? 0,
    }
  }

  /** To be called at each tick. */
  noteLeader(): void {
    const leader = this.#running?.driver.coreStatus.leader ?? null
    if (leader === null || leader === this.#lastLeader) return
    this.#lastLeader = leader
    this.#leaderChanges++
    this.#isLed()
  }

  /** What the metrics tell of this node. */
  numbers(): ServerView {
    const status = this.#running?.driver.status()
    const leader = status?.leader ?? null
    return {
      leader,
      isLeader: leader === this.name,
      leaderChanges: this.#leaderChanges,
      term: status?.term ?? 0,
      committed: status?.commitIndex ?? 0,
      applied: this.appliedIndex(),
      pending: status?.pendingRequests ?? 0,
      unsyncedBatches: status?.unsyncedBatches ?? 0,
    }
  }

  /** Of log, peers and signatures, under the names of `status`. */
  counters(): ReadonlyMap<string, number> {
    return this.#peers.counters()
  }

  clientEndpointOf(name: NodeId): string {
    return name === this.name ? this.#ownEndpoint : this.#peers.clientEndpointOf(name)
  }

  transferLeadership(to: NodeId): TransferRefusal | null {
    if (this.#running === null) return { type: 'Refused', reason: this.#why }
    const status = this.#running.driver.status()
    if (this.signed !== null)
      return {
        type: 'Refused',
        reason: 'over PBFT the view says who is primary: nobody is asked to',
      }
    if (status.role !== 'leader') return { type: 'NotLeader', leader: status.leader }
    if (to === this.name) return { type: 'Refused', reason: `${to} leads already` }
    if (!status.configuration.voters.includes(to))
      return { type: 'Refused', reason: `${to} is no voter of this cluster` }
    this.#running.driver.transferLeadership(to)
    return null
  }

  status(): StatusResponse {
    const { config, uid, clusterId, incarnation, now } = this.#facts
    const status = this.#running?.driver.status() ?? null
    const leader = status?.leader ?? null
    return {
      name: this.name,
      endpoint: this.#ownEndpoint,
      pid: process.pid,
      version: VERSION,
      protocol: config.protocol,
      role: status?.role ?? (config.protocol === 'pbft' ? 'backup' : 'follower'),
      term: status?.term ?? 0,
      leader: leader ?? '',
      leaderEndpoint: leader === null ? '' : this.clientEndpointOf(leader),
      firstIndex: status?.firstIndex ?? 0,
      lastIndex: status?.lastIndex ?? 0,
      commitIndex: status?.commitIndex ?? 0,
      // What the machine really has: the core's own figure is what it has been told to apply.
      appliedIndex: this.appliedIndex(),
      snapshotIndex: status?.snapshotIndex ?? 0,
      stateHash: this.#running?.machine.hash() ?? '',
      agreedTimeMs: this.#running?.machine.time ?? 0,
      blocked: [...this.#peers.blocked()],
      faults: [...this.#peers.faults()],
      peers: this.#peerStatus(status),
      incarnation,
      uid,
      clusterId,
      formed: status !== null,
      configuration: configurationOf(status),
      uptimeMs: Math.floor(now() - this.#startedAt),
      faultInjection: config.enableFaultInjection,
      counters: [...this.#peers.counters()].map(([name, value]) => ({ name, value })),
      pbft: this.#facts.pbft(),
    }
  }

  #peerStatus(status: DriverStatus | null): StatusResponse['peers'] {
    const { config } = this.#facts
    const peers = config.initialCluster.filter((one) => one.name !== this.name)
    return peers.map(({ name, address }) => {
      const matchIndex = status?.matchIndex.get(name) ?? 0
      const leads = status?.role === 'leader' || config.protocol === 'pbft'
      return {
        name,
        address: `${address.host}:${address.port}`,
        connected: this.#peers.connected(name),
        matchIndex,
        lag: status !== null && leads ? Math.max(0, status.lastIndex - matchIndex) : 0,
      }
    })
  }
}

function configurationOf(status: DriverStatus | null): StatusResponse['configuration'] {
  if (status === null) return undefined
  const c = status.configuration
  return {
    members: c.members.map((member) => ({ name: member.id, uid: member.uid })),
    voters: [...c.voters],
    votersOutgoing: [...c.votersOutgoing],
    learners: [...c.learners],
    learnersNext: [...c.learnersNext],
    autoLeave: c.autoLeave,
  }
}
