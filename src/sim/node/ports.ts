/**
 * The driver's ports of one life of a simulated node. Before and after each effect is a place to die: `boundary` tells
 * whether the node just did.
 */
import type { Core, CoreStatus, Entry, SnapshotDelivery } from '../../consensus/contract.js'
import type { Index, NodeId } from '../../consensus/ids.js'
import type { CommunicatorPort, WalPort } from '../../driver/ports.js'
import { check } from '../checkers/violation.js'
import type { SimDisk } from '../disk.js'
import { SimMachine } from '../machine.js'
import type { NodeContext } from '../node-context.js'
import type { RecordedSnapshots } from '../recorded-snapshots.js'
import type { Life } from './life.js'
import type { StateTransfer } from './state-transfer.js'

/** What the ports need of their node, in this life. */
export interface Living<M extends { readonly type: string }, R, O, C extends Core<M, R>> {
  readonly id: NodeId
  readonly index: number
  readonly context: NodeContext<M, R, O, C>
  readonly disk: SimDisk
  readonly life: Life
  /** Of the core. */
  status(): CoreStatus
  /** The last batch that recovery found. */
  readonly lastBatch: number
  readonly snapshots: RecordedSnapshots
  living(): boolean
  /** True: dead. */
  boundary(): boolean
  inOrder(task: () => void): void
  /** A snapshot of our own cannot be read. True: dead of it. */
  snapshotGone(): boolean
}

export function walPort<M extends { readonly type: string }, R, O, C extends Core<M, R>>(
  node: Living<M, R, O, C>,
  wal: WalPort,
): WalPort {
  const { context, snapshots, disk, lastBatch } = node
  return {
    append: (batch, payload, about) => {
      if (node.boundary()) return
      context.world.mark(2, node.index, batch, payload)
      snapshots.appended(batch, node.status().snapshotIndex)
      disk.appended(batch)
      wal.append(batch, payload, about)
      node.boundary()
    },
    sync: (done) => {
      if (node.boundary()) return
      wal.sync((batch) => {
        if (!node.living()) return
        disk.synced(batch)
        context.protocolChecker.synced(node.id, batch - lastBatch)
        const unused = snapshots.synced(batch)
        // Behind every Restore asked for before: one of an older snapshot may still wait for its file.
        if (unused !== null) node.inOrder(() => disk.dropSnapshotsBelow(unused))
        done(batch)
      })
    },
    release: (through) => {
      if (node.boundary()) return
      context.protocolChecker.released?.(node.id, through)
      wal.release(through)
    },
  }
}

export function communicatorPort<M extends { readonly type: string }, R, O, C extends Core<M, R>>(
  node: Living<M, R, O, C>,
  transfer: StateTransfer | null,
): CommunicatorPort {
  const { id, context, disk, life } = node
  const { protocol } = context.sim
  return {
    send: (to, bytes) => {
      if (node.boundary()) return
      const message = protocol.decodeMessage(bytes)
      // A liar may say what nobody can read.
      const readable = message !== null || context.liar !== null
      check(readable, 'codec', () => `${id} cannot decode its own message`)
      if (message !== null) context.protocolChecker.sent(id, to, message)
      context.send(id, to, bytes)
    },
    ...(transfer === null
      ? {}
      : {
          fetchSnapshot: (from, target, failed) => {
            if (!node.boundary()) transfer.fetch(from, target, failed)
          },
        }),
    sendSnapshot: (to, meta, done) => {
      if (node.boundary()) return
      const finished = (end: SnapshotDelivery) => {
        if (node.living()) life.run(() => done(end))
      }
      disk.readSnapshot(meta, (pieces) => {
        if (pieces === null) finished('unreadable')
        else context.sendSnapshot(id, to, { meta, pieces }, finished)
      })
    },
  }
}

export function newMachine<M extends { readonly type: string }, R, O, C extends Core<M, R>>(
  node: Omit<Living<M, R, O, C>, 'status' | 'lastBatch' | 'snapshots' | 'inOrder'>,
): SimMachine {
  const { id, index, context, disk, life } = node
  const { world, swarm, checker, disturbance, application } = context
  const machine = application.newMachine()
  return new SimMachine({
    machine,
    sessionIdleMs: swarm.sessionIdleMs,
    after: (ms, task) => world.after(ms, life.guarded(task)),
    taskMs: () => swarm.applyMs + disturbance.slowMachineMs,
    applying: (entry: Entry) => checker.applying(id, entry),
    applied: (entry: Entry, state: string, answers: readonly Uint8Array[]) => {
      world.mark(1, index, entry.index)
      checker.applied(id, entry, state)
      context.answered(id, entry, answers)
      application.inspect?.(id, machine)
    },
    restored: (at: Index, state: string) => {
      checker.restored(id, at, state)
      application.inspect?.(id, machine)
    },
    writeSnapshot: (at, chunks, done) => {
      if (node.boundary()) return
      if (world.chance(disturbance.snapshotFails)) {
        context.snapshotFailed()
        world.after(
          1,
          life.guarded(() => done(null)),
        )
        return
      }
      disk.writeSnapshot(at, chunks, done)
    },
    readSnapshot: (meta, done) =>
      disk.readSnapshot(meta, (pieces) => {
        if (pieces !== null || !node.snapshotGone()) done(pieces)
      }),
  })
}
