/** What a simulated node is made of from one start to its death: the real core, driver and machine on what its disk gave back. */
import type { Core, CoreStatus, Self, SnapshotMeta } from '../../consensus/contract.js'
import type { NodeId } from '../../consensus/ids.js'
import { Driver } from '../../driver/driver.js'
import { lineTrace } from '../../driver/trace.js'
import type { Wal } from '../../wal/wal.js'
import type { OpenedDisk, SimDisk } from '../disk.js'
import type { SimMachine } from '../machine.js'
import type { NodeContext } from '../node-context.js'
import { observed } from '../observed.js'
import { RecordedSnapshots } from '../recorded-snapshots.js'
import type { Life } from './life.js'
import type { Moments } from './moments.js'
import { communicatorPort, type Living, newMachine, walPort } from './ports.js'
import type { RecoveredCore } from './recovery.js'
import { StateTransfer } from './state-transfer.js'

/** A turn of the driver begins so long after it was asked for (ms). */
const SOON_MS = 0.02

/** What the node is through all its starts. */
export interface Host<M extends { readonly type: string }, R, O, C extends Core<M, R>> {
  readonly id: NodeId
  readonly index: number
  readonly context: NodeContext<M, R, O, C>
  readonly disk: SimDisk
  readonly life: Life
  readonly moments: Moments
  /** Between two effects: is this the place to die? True: dead. */
  boundary(living: () => boolean): boolean
  /** A snapshot of our own cannot be read. True: dead of it. */
  snapshotGone(): boolean
}

export class Incarnation<M extends { readonly type: string }, R, O, C extends Core<M, R>> {
  readonly core: C
  readonly driver: Driver<M, R>
  readonly machine: SimMachine
  readonly transfer: StateTransfer | null
  readonly wal: Wal
  readonly #observed: Core<M, R>

  constructor(
    host: Host<M, R, O, C>,
    opened: OpenedDisk,
    { core, effects, records }: RecoveredCore<M, R, C>,
    self: Self,
  ) {
    const { id, context, moments } = host
    const { world, sim, swarm, checker, protocolChecker } = context
    this.core = core
    this.wal = opened.wal
    const status = core.status()
    checker.started(id, status)
    moments.started(status)
    context.announce(id)
    protocolChecker.started(id, core, records)
    const node = this.#living(host, opened.lastBatch)
    this.machine = newMachine(node)
    this.transfer = this.#newTransfer(host)
    this.#observed = observed(id, core, context, {
      living: node.living,
      stepped: (status) => moments.stepped(status),
    })
    this.driver = new Driver<M, R>({
      id,
      incarnation: self.incarnation,
      core: this.#observed,
      effects,
      protocol: sim.protocol,
      lastBatch: opened.lastBatch,
      limits: {
        tickMs: swarm.tickMs,
        electionTimeoutMs: swarm.electionTicks * swarm.tickMs,
        turnMessagesMax: swarm.turnMessagesMax,
      },
      ports: {
        wal: walPort(node, opened.wal),
        communicator: communicatorPort(node, this.transfer),
        machine: this.machine,
        scheduler: { soon: (task) => world.after(SOON_MS, host.life.guarded(task)) },
        notes: { note: (note) => context.noted(note.event) },
      },
      ...(world.tracing
        ? { trace: lineTrace<M, R>((line) => world.tell(() => `${id} ${line}`)) }
        : {}),
    })
  }

  /** Of the core: the same object until the next step. */
  get status(): CoreStatus {
    return this.#observed.status()
  }

  #newTransfer({ id, disk, context, life }: Host<M, R, O, C>): StateTransfer | null {
    const { snapshotHashing } = context.sim
    if (snapshotHashing === undefined) return null
    const living = life.witness()
    const node = {
      id,
      disk,
      core: this.core,
      received: (from: NodeId, snapshot: SnapshotMeta) => {
        if (living()) this.driver.snapshotReceived(from, snapshot)
      },
      context,
      life,
    }
    return new StateTransfer(node, snapshotHashing)
  }

  #living(host: Host<M, R, O, C>, lastBatch: number): Living<M, R, O, C> {
    const { id, index, context, disk, life } = host
    const living = life.witness()
    return {
      ...{ id, index, context, disk, life, living, lastBatch },
      status: () => this.status,
      snapshots: new RecordedSnapshots(this.core.status().snapshotIndex),
      boundary: () => host.boundary(living),
      inOrder: (task) => {
        if (living()) this.machine.inOrder(task)
      },
      snapshotGone: () => host.snapshotGone(),
    }
  }
}
