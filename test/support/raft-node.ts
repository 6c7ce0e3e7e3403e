/**
 * One Raft core with a disk and a machine that the test controls: what a batch's sync vouches for, what a crash
 * loses, what waits at the gate. No driver: the three orders of the contract are kept here in a few lines.
 */
import type { Effect, Entry, Input, Outcome, SnapshotMeta } from '../../src/consensus/contract.js'
import type { NodeId, ReadId, RequestId } from '../../src/consensus/ids.js'
import {
  type Message,
  type Options,
  type Raft,
  raft,
  type WalRecord,
} from '../../src/consensus/raft/index.js'
import { checkState, checkTransition, remember } from '../../src/consensus/raft/invariants.js'

export type RaftEffect = Effect<Message, WalRecord>

export interface Batch {
  readonly batch: number
  readonly records: readonly WalRecord[]
}

/** What a node tells its world; the cluster and the script runner listen. */
export interface NodeEvents {
  send(from: NodeId, to: NodeId, message: Message): void
  sendSnapshot(from: NodeId, to: NodeId, snapshot: SnapshotMeta): void
  applied(id: NodeId, entries: readonly Entry[]): void
  restored(id: NodeId, snapshot: SnapshotMeta): void
  effect(id: NodeId, effect: RaftEffect): void
  synced(id: NodeId, batch: number): void
}

export class TestNode {
  readonly id: NodeId
  /** On disk, oldest first; survives a crash. */
  disk: Batch[] = []
  /** Written and not synced; a crash may lose any suffix of it. */
  unsynced: Batch[] = []
  /** False: syncs happen when the test says so. */
  autoSync = true
  now = 0
  /** The machine's next expiry, agreed ms. */
  nextDeadline: number | null = null
  readonly applied: Entry[] = []
  readonly answers: { id: RequestId | ReadId; outcome: Outcome }[] = []
  /** A TakeSnapshot that the host has not finished. */
  taking: SnapshotMeta | null = null
  incarnation = 0
  readonly #events: NodeEvents
  readonly #options: Options
  #core: Raft | null = null
  #held: { batch: number; to: NodeId; message: Message }[] = []
  #emitted = 0
  #durable = 0

  constructor(id: NodeId, bootstrap: readonly WalRecord[], options: Options, events: NodeEvents) {
    this.id = id
    this.#options = options
    this.#events = events
    this.disk = bootstrap.length === 0 ? [] : [{ batch: 0, records: bootstrap }]
    this.start()
  }

  get core(): Raft {
    if (this.#core === null) throw new Error(`${this.id} is down`)
    return this.#core
  }

  get isUp(): boolean {
    return this.#core !== null
  }

  /** Folds what is on disk. A new incarnation, another seed. */
  start(): void {
    this.incarnation++
    const seed = this.incarnation * 1000 + Number(this.id.replaceAll(/\D/g, '') || '0')
    const incarnation = seed
    const { core, effects } = raft.recover(
      this.disk.flatMap((batch) => [...batch.records]),
      { id: this.id, seed, incarnation },
      this.#options,
    )
    this.#core = core
    this.#emitted = 0
    this.#durable = 0
    this.#held = []
    this.applied.length = 0
    this.#carryOut(effects)
  }

  /** The process dies. `keep`: how many of the unsynced batches happened to reach the disk. */
  crash(keep = 0): void {
    this.disk.push(...this.unsynced.slice(0, keep))
    this.unsynced = []
    this.#held = []
    this.taking = null
    this.#core = null
  }

  step(input: Input<Message>): RaftEffect[] {
    const { core } = this
    const before = remember(core.state)
    const effects = core.step(input)
    const broken = checkTransition(before, core.state) ?? checkState(core.state)
    if (broken !== null) throw new Error(`${this.id}: ${broken}`)
    this.#carryOut(effects)
    if (this.autoSync && this.unsynced.length > 0) this.sync()
    return effects
  }

  tick(): void {
    this.now += 20
    this.step({ type: 'Tick', now: this.now, nextDeadline: this.nextDeadline })
  }

  /** One fdatasync: all that was written is on disk; what waited at the gate leaves. */
  sync(count = this.unsynced.length): void {
    const done = this.unsynced.splice(0, count)
    const last = done.at(-1)
    if (last === undefined) return
    this.disk.push(...done)
    this.#durable = last.batch
    this.#events.synced(this.id, last.batch)
    const leaving = this.#held.filter((held) => held.batch <= last.batch)
    this.#held = this.#held.filter((held) => held.batch > last.batch)
    for (const { to, message } of leaving) this.#events.send(this.id, to, message)
    this.step({ type: 'Persisted', batch: last.batch })
  }

  /** The host has written the snapshot that the core asked for. */
  finishSnapshot(): void {
    if (this.taking === null) throw new Error(`${this.id} takes no snapshot`)
    const snapshot = { ...this.taking, digest: `d${this.taking.index}`, bytes: 100 }
    this.taking = null
    this.step({ type: 'SnapshotTaken', snapshot })
  }

  #carryOut(effects: readonly RaftEffect[]): void {
    for (const effect of effects) {
      this.#events.effect(this.id, effect)
      this.#run(effect)
    }
  }

  #run(effect: RaftEffect): void {
    switch (effect.type) {
      case 'Persist':
        this.#emitted = effect.batch
        this.unsynced.push({ batch: effect.batch, records: effect.records })
        return
      case 'Send': {
        const { to, message } = effect
        if (effect.gate === 'none' || this.#emitted <= this.#durable)
          this.#events.send(this.id, to, message)
        else this.#held.push({ batch: this.#emitted, to, message })
        return
      }
      case 'Apply':
        this.applied.push(...effect.entries)
        this.#events.applied(this.id, effect.entries)
        return
      case 'Answer':
        this.answers.push({ id: effect.id, outcome: effect.outcome })
        return
      case 'TakeSnapshot':
        this.taking = effect.snapshot
        return
      case 'Restore':
        this.#events.restored(this.id, effect.snapshot)
        return
      case 'SendSnapshot':
        this.#events.sendSnapshot(this.id, effect.to, effect.snapshot)
        return
      case 'FetchSnapshot':
      case 'Release':
      case 'Note':
        return
    }
  }
}
