/**
 * The driver's side of the log. What the core persists is appended at once; one sync at a time covers all that was
 * appended until it began; what the gate held leaves as soon as its batch is on disk. Batches are the core's numbers.
 */
import type { Effect } from '../consensus/contract.js'
import type { Index, NodeId } from '../consensus/ids.js'
import { Gate } from './gate.js'
import type { DriverSetup } from './setup.js'

type Held =
  | { readonly type: 'message'; readonly to: NodeId; readonly bytes: Uint8Array }
  | { readonly type: 'release'; readonly through: Index }

export class GroupCommit<M extends { readonly type: string }, R> {
  readonly gate: Gate<Held>
  readonly #setup: DriverSetup<M, R>
  readonly #ended: () => void
  #syncing = false
  /** The last batch that is not lazy. */
  #urgentBatch = 0
  /** The last batch that a sync covered, and the last one the core was told of. */
  #syncedBatch = 0
  #reportedBatch = 0
  #stopped = false

  /** `ended`: a sync ended, and `takePersisted` has news. */
  constructor(setup: DriverSetup<M, R>, ended: () => void) {
    this.#setup = setup
    this.#ended = ended
    this.gate = new Gate((held) => this.#leave(held))
  }

  /** Appended, and not known to be on disk. */
  get unsyncedBatches(): number {
    return this.gate.emittedBatch - this.gate.durableBatch
  }

  append({ batch, records, lazy }: Effect<M, R> & { type: 'Persist' }): void {
    const { core, protocol, ports, lastBatch } = this.#setup
    if (lazy !== true) this.#urgentBatch = batch
    this.gate.emitted(batch)
    ports.wal.append(lastBatch + batch, protocol.encodeRecords(records), {
      lastIndex: protocol.lastIndexOf(records),
      shape: core.shape(),
      stateRecord: () => protocol.encodeRecords([core.stateRecord()]),
    })
  }

  /**
   * Unless one is in flight or nobody waits for it. Lazy batches alone wait for a tick, a send or the next batch: a sync
   * for them would be in the way of one that somebody waits for.
   */
  startSync(ticked: boolean): void {
    const { emittedBatch, durableBatch, held } = this.gate
    const waitedFor = this.#urgentBatch > durableBatch || held > 0 || ticked
    if (this.#syncing || emittedBatch <= durableBatch || !waitedFor) return
    this.#syncing = true
    const { ports, lastBatch } = this.#setup
    ports.wal.sync((walBatch) => this.#synced(walBatch - lastBatch))
  }

  /** What the core has to be told: all up to this batch is on disk; null: nothing new. */
  takePersisted(): number | null {
    if (this.#syncedBatch <= this.#reportedBatch) return null
    this.#reportedBatch = this.#syncedBatch
    return this.#syncedBatch
  }

  /** What is held never leaves. */
  stop(): void {
    this.#stopped = true
  }

  #synced(batch: number): void {
    if (this.#stopped) return
    this.#syncing = false
    this.#syncedBatch = Math.max(this.#syncedBatch, batch)
    this.gate.durable(batch)
    this.#ended()
  }

  #leave(held: Held): void {
    const { communicator, wal } = this.#setup.ports
    if (held.type === 'message') communicator.send(held.to, held.bytes)
    else wal.release(held.through)
  }
}
