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
import { firstMissing } from '../../src/consensus/raft/log.js'

export type RaftEffect = Effect<Message, WalRecord>

export interface Batch {
  readonly batch: number
  readonly records: readonly WalRecord[]
  /** How the log looked behind it; of the first one there is none. */
  readonly shape?: Uint8Array
  /** The disk cannot read it any more, nor its shape. */
  damaged?: boolean
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
  /** Snapshots, by index, whose files are lost. */
  readonly lostFiles: Set<number> = new Set()
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
    const { core, effects } = this.recovered({ seed, incarnation })
    this.#core = core
    this.#emitted = 0
    this.#durable = 0
    this.#held = []
    this.applied.length = 0
    this.#carryOut(effects)
  }

  /** What a start would find on disk now. Throws when it would be refused. */
  recovered({ seed = 1, incarnation = 1 } = {}): ReturnType<typeof raft.recover> {
    const self = { id: this.id, seed, incarnation }
    const records = readable(this.disk)
    const found = raft.recover(records, self, this.#options)
    const { snapshot } = found.core.state.log
    if (snapshot === null || !this.lostFiles.has(snapshot.index)) return found
    return raft.recover([...records, raft.snapshotLost()], self, this.#options)
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
    if (input.type === 'SnapshotReceived') this.lostFiles.delete(input.snapshot.index)
    this.#checkAcknowledged(effects)
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

  /** What a disk lost is acknowledged to nobody before it is back. */
  #checkAcknowledged(effects: readonly RaftEffect[]): void {
    const missing = firstMissing(this.core.state.log)
    for (const effect of effects) {
      if (effect.type !== 'Send' || effect.message.type !== 'AppendEntriesReply') continue
      const { message } = effect
      const index = message.accepted ? message.matchIndex : message.hint.index
      if (index >= missing) throw new Error(`${this.id} acknowledges ${index}, and lost ${missing}`)
    }
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
        this.unsynced.push({
          batch: effect.batch,
          records: effect.records,
          shape: this.core.shape(),
        })
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

/** A stretch that cannot be read gives way to the first shape behind it. Throws when there is none. */
function readable(disk: readonly Batch[]): WalRecord[] {
  const records: WalRecord[] = []
  let lost = false
  for (const batch of disk) {
    if (batch.damaged === true) {
      lost = true
      continue
    }
    if (lost) {
      const shape = batch.shape === undefined ? null : raft.lost(batch.shape)
      if (shape === null) throw new Error('damaged, and no shape behind it')
      records.push(shape)
      lost = false
    }
    records.push(...batch.records)
  }
  if (lost) throw new Error('damaged, and no shape behind it')
  return records
}
