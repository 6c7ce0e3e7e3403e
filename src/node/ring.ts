/**
 * The ring of a node whose cluster has formed: the recovered core, the driver that turns it, and at its ends the log, the
 * machine, the snapshots and the peers. One is made in the life of a process, and stops with it.
 */
import type { Communicator } from '../communicator/communicator.js'
import type { Core, Note } from '../consensus/contract.js'
import { Driver } from '../driver/driver.js'
import type { SessionMachine } from '../machine/machine.js'
import type { Metrics } from '../server/http/metrics/metrics.js'
import type { ReplyDesk } from '../server/reply-desk.js'
import type { Byzantine } from './byzantine.js'
import type { NodeConfig } from './config.js'
import { dataRefused, type NodeError } from './errors.js'
import type { Log } from './log.js'
import { MachineHost } from './machine-host.js'
import { NodeLog } from './node-log.js'
import { TOLD } from './notes.js'
import type { NodeProtocol } from './protocol.js'
import type { Recovery } from './recovery.js'
import { Snapshots, snapshotFailed } from './snapshots.js'
import { StateTransfer } from './state-transfer.js'
import { PARTS, type Storage } from './storage.js'

export interface RingSetup<
  M extends { readonly type: string },
  R extends { readonly type: string },
> {
  readonly config: NodeConfig
  readonly consensus: NodeProtocol<M, R>
  readonly incarnation: number
  readonly storage: Storage<R>
  readonly recovery: Recovery<M, R>
  readonly communicator: Communicator
  readonly machine: SessionMachine
  /** Null where nothing is signed. */
  readonly desk: ReplyDesk | null
  readonly byzantine: Byzantine
  readonly metrics: Metrics
  readonly log: Log
  /** The node must stop. */
  readonly failed: (error: NodeError) => void
}

export class Ring<M extends { readonly type: string }, R extends { readonly type: string }> {
  readonly core: Core<M, R>
  readonly driver: Driver<M, R>
  readonly snapshots: Snapshots
  /** Null: Raft, whose leader sends snapshots whole. */
  readonly transfer: StateTransfer | null
  readonly #setup: RingSetup<M, R>
  readonly #host: MachineHost
  readonly #nodeLog: NodeLog

  constructor(setup: RingSetup<M, R>) {
    const { config, consensus, storage, recovery, communicator, metrics } = setup
    const { core, effects } = recovery
    this.#setup = setup
    this.core = core
    this.snapshots = this.#newSnapshots()
    this.transfer = config.protocol === 'pbft' ? this.#newTransfer() : null
    this.#host = new MachineHost(setup.machine, this.snapshots, setup.desk, metrics)
    this.#nodeLog = new NodeLog(storage.wal, {
      snapshotIndex: () => core.status().snapshotIndex,
      // In the machine's order, since a Restore that waits there still needs its file.
      keepFrom: (index) => this.#host.inOrder(() => this.snapshots.keepFrom(index)),
    })
    const { tickMs, electionTimeoutMs } = config.timing
    this.driver = new Driver({
      id: config.name,
      incarnation: setup.incarnation,
      core,
      effects,
      protocol: consensus.protocol,
      ports: {
        wal: this.#nodeLog,
        communicator: this.transfer?.port() ?? communicator,
        machine: this.#host,
        scheduler: { soon: setImmediate },
        notes: { note: (note) => this.#note(note) },
      },
      lastBatch: storage.wal.lastBatch,
      limits: { tickMs, electionTimeoutMs },
    })
  }

  /** `now`: ms, monotonic. */
  tick(now: number): void {
    this.driver.tick(now, this.#setup.consensus.wallClock ? Date.now() : now)
    this.#nodeLog.tick(now)
  }

  /** To whoever has most of the log: it can take over soonest. */
  handOver(): void {
    const status = this.driver.coreStatus
    if (status.role !== 'leader') return
    const [best] = [...status.matchIndex].sort(([, a], [, b]) => b - a)
    if (best !== undefined) this.driver.transferLeadership(best[0])
  }

  /** Nothing leaves any more. */
  stop(): void {
    this.driver.stop()
    this.#host.stop()
    this.transfer?.close()
  }

  #newSnapshots(): Snapshots {
    const { storage, recovery, metrics, log, failed } = this.#setup
    return new Snapshots(
      storage.snapshots,
      {
        commitIndex: () => this.driver.coreStatus.commitIndex,
        saved: (seconds) => metrics.times.snapshotSaved(seconds),
        received: (from, snapshot) => this.driver.snapshotReceived(from, snapshot),
        unreadable: (error) => log.error({ code: error.code }, error.message),
        failed: (error) => failed(snapshotFailed(error)),
      },
      recovery.loaded,
    )
  }

  #newTransfer(): StateTransfer {
    const { communicator, byzantine, log } = this.#setup
    const transfer = new StateTransfer({
      communicator,
      snapshots: this.snapshots,
      hashing: PARTS,
      newest: () => this.driver.coreStatus.snapshotIndex,
      received: (from, snapshot) => this.driver.snapshotReceived(from, snapshot),
      failed: (from, why) => log.warn({ from, why }, 'no state from this peer'),
    })
    byzantine.add(transfer.byzantine)
    return transfer
  }

  #note(note: Note): void {
    const { log, recovery, failed } = this.#setup
    if (TOLD.has(note.event)) log.info(note, note.event)
    // Nobody has what our disk lost, and without it this node stands for what it cannot give.
    if (note.event === 'repair-hopeless')
      failed(
        dataRefused(`${recovery.damage ?? 'the log is damaged'}; no member has what is missing`),
      )
  }
}
