/**
 * One node of a scenario: the real core, a disk on which syncs complete when told, and a machine that remembers
 * the commands it applied. After every step the state must keep the invariants.
 */
import { latin1Encode } from '../../src/base/latin1.js'
import type { Effect, Input, Member, SnapshotMeta } from '../../src/consensus/contract.js'
import type { NodeId, ReadId } from '../../src/consensus/ids.js'
import { type Message, type Options, Raft, raft } from '../../src/consensus/raft/index.js'
import { checkState, checkTransition, remember } from '../../src/consensus/raft/invariants.js'
import type { LogEntry } from '../../src/consensus/raft/messages.js'
import type { RaftNote } from '../../src/consensus/raft/notes.js'
import type { WalRecord } from '../../src/consensus/raft/records.js'
import {
  renderCommands,
  renderId,
  renderMessage,
  renderNote,
  renderOutcome,
  renderState,
} from './scenario-render.js'

/** In the order of emission: a gated message leaves when every write before it is on disk. */
type Unsynced =
  | ({ readonly type: 'write'; readonly batch: number } & Write)
  | { readonly type: 'message'; readonly to: NodeId; readonly message: Message }

/** One record of the log, and the shape behind it. */
interface Write {
  readonly records: Uint8Array
  readonly shape: Uint8Array | null
  rotten?: boolean
}

export interface Surroundings {
  readonly options: Options
  /** A line of the trace. `chatter` is what `quietly` leaves out. */
  trace(line: string, chatter: boolean): void
  leave(from: NodeId, to: NodeId, message: Message): void
  sendSnapshot(from: NodeId, to: NodeId, snapshot: SnapshotMeta, machine: readonly string[]): void
  applied(id: NodeId, entry: LogEntry): void
  leads(id: NodeId, term: number): void
  /** The name a scenario gave to a read. */
  readName(id: ReadId): string
}

const TICK_MS = 20

export class ScenarioNode {
  readonly id: NodeId
  /** Completes a sync as soon as something was written; else when the scenario says `persist`. */
  autoSync = true
  core: Raft | null = null
  start = 0
  machine: string[] = []
  readonly #world: Surroundings
  readonly #seed: number
  readonly #disk: Write[] = []
  /** The files of its snapshots, by index. */
  readonly files = new Map<number, readonly string[]>()
  #unsynced: Unsynced[] = []
  #taking: { meta: SnapshotMeta; machine: readonly string[] } | null = null
  #ticks = 0

  constructor(id: NodeId, setup: { world: Surroundings; seed: number; members: Member[] }) {
    this.id = id
    this.#world = setup.world
    this.#seed = setup.seed
    const records = raft.encodeRecords([raft.bootstrap(setup.members)])
    this.#disk.push({ records, shape: null })
  }

  boot(): void {
    if (this.core !== null) throw new Error(`${this.id} runs already`)
    const records = this.#readable()
    this.start++
    const self = { id: this.id, seed: this.#seed * 100 + this.start, incarnation: this.start }
    const found = raft.recover(records, self, this.#world.options)
    const { snapshot } = found.core.state.log
    const lost = snapshot !== null && !this.files.has(snapshot.index)
    const { core, effects } = lost
      ? raft.recover([...records, raft.snapshotLost()], self, this.#world.options)
      : found
    if (!(core instanceof Raft)) throw new Error('not the core that scenarios know')
    this.core = core
    this.machine = []
    this.#ticks = 0
    this.#check(checkState(core.state))
    for (const effect of effects) this.#perform(effect)
  }

  /** The records that can be read. Where some cannot, the shape behind them tells how the log looked then. */
  #readable(): WalRecord[] {
    return this.#disk.flatMap((write, i) => {
      if (write.rotten !== true) return decoded(raft.decodeRecords(write.records))
      if (this.#disk[i + 1]?.rotten === true) return []
      return [decoded(write.shape && raft.lost(write.shape))]
    })
  }

  /** Damages every write that holds one of these entries; the shapes behind them stay readable. */
  rot(from: number, through: number): void {
    for (const write of this.#disk)
      for (const record of decoded(raft.decodeRecords(write.records)))
        if (
          'entries' in record &&
          record.entries.some((e) => e.index >= from && e.index <= through)
        )
          write.rotten = true
    this.#say(`has entries ${from} to ${through} where its disk is damaged`)
  }

  rotSnapshot(): void {
    const newest = Math.max(...this.files.keys())
    this.files.delete(newest)
    this.#say(`has its snapshot through ${newest} where its disk is damaged`)
  }

  /** What was written and not synced survives up to `keep` writes: a torn one is cut off, and all behind it. */
  crash(keep: number): void {
    this.running()
    const writes = this.#unsynced.filter((one) => one.type === 'write')
    this.#disk.push(...writes.slice(0, keep))
    const lost = Math.max(0, writes.length - keep)
    this.#unsynced = []
    this.#taking = null
    this.core = null
    this.#say(
      lost > 0 ? `crashes and loses ${lost} unsynced write${lost > 1 ? 's' : ''}` : 'crashes',
    )
  }

  running(): Raft {
    if (this.core === null) throw new Error(`${this.id} does not run`)
    return this.core
  }

  step(input: Input<Message>): void {
    const { state } = this.running()
    const before = remember(state)
    const effects = this.running().step(input)
    this.#check(checkState(state) ?? checkTransition(before, state))
    if (state.role.type === 'leader') this.#world.leads(this.id, state.term)
    for (const effect of effects) this.#perform(effect)
    if (this.autoSync) this.persist()
  }

  tick(): void {
    this.#ticks++
    this.step({ type: 'Tick', now: this.#ticks * TICK_MS, nextDeadline: null })
  }

  propose(names: readonly string[], numbers: readonly number[]): void {
    const requests = names.map((name, i) => ({
      session: 1,
      seq: numbers[i] ?? 0,
      ackedThrough: 0,
      command: latin1Encode(name),
    }))
    this.step({ type: 'Propose', requests })
  }

  /** The disk completes the oldest `writes` that wait, all of them by default. */
  persist(writes = Number.POSITIVE_INFINITY): boolean {
    let batch = 0
    let left = writes
    while (this.#unsynced.length > 0) {
      const [first] = this.#unsynced
      if (first === undefined || (first.type === 'write' && left-- <= 0)) break
      this.#unsynced.shift()
      if (first.type === 'message') {
        this.#world.leave(this.id, first.to, first.message)
        continue
      }
      this.#disk.push(first)
      batch = first.batch
    }
    if (batch === 0) return false
    this.step({ type: 'Persisted', batch })
    return true
  }

  snapshotDone(taken: boolean): void {
    const taking = this.#taking
    if (taking === null) throw new Error(`${this.id} takes no snapshot`)
    this.#taking = null
    if (!taken) return this.step({ type: 'SnapshotFailed', snapshot: taking.meta })
    this.files.set(taking.meta.index, taking.machine)
    const snapshot = { ...taking.meta, digest: 'd1', bytes: taking.machine.join('').length }
    this.step({ type: 'SnapshotTaken', snapshot })
  }

  describe(): string {
    if (this.core === null) return `${this.id}: down`
    const waits = this.#unsynced.some((one) => one.type === 'write') ? ' (writes wait)' : ''
    const machine = this.machine.join(' ')
    return `${this.id}: ${renderState(this.core.state)}${waits} machine=[${machine}]`
  }

  #perform(effect: Effect<Message, WalRecord>): void {
    switch (effect.type) {
      case 'Persist': {
        const { batch } = effect
        const records = raft.encodeRecords(effect.records)
        this.#unsynced.push({ type: 'write', batch, records, shape: this.running().shape() })
        if (!this.autoSync) this.#say(`writes ${effect.records.map(renderRecord).join(', ')}`, true)
        return
      }
      case 'Send':
        return this.#send(effect)
      case 'Apply':
        for (const entry of effect.entries as readonly LogEntry[]) this.#apply(entry)
        return
      case 'TakeSnapshot':
        this.#taking = { meta: effect.snapshot, machine: [...this.machine] }
        return this.#say(`starts to write a snapshot through ${effect.snapshot.index}`)
      case 'Restore': {
        const file = this.files.get(effect.snapshot.index)
        if (file === undefined) throw new Error(`${this.id} has no file for its snapshot`)
        this.machine = [...file]
        return this.#say(`restores its machine to ${effect.snapshot.index}`)
      }
      case 'SendSnapshot': {
        const file = this.files.get(effect.snapshot.index)
        if (file === undefined) throw new Error(`${this.id} has no file to send`)
        return this.#world.sendSnapshot(this.id, effect.to, effect.snapshot, file)
      }
      case 'FetchSnapshot':
        throw new Error('Raft fetches no snapshot')
      case 'Release':
        return
      case 'Answer': {
        const { id, outcome } = effect
        const whom = 'incarnation' in id ? this.#world.readName(id) : `request ${id.seq}`
        return this.#say(`answers ${whom}: ${renderOutcome(outcome)}`)
      }
      case 'Note':
        return this.#say(renderNote(effect.note as RaftNote))
    }
  }

  #send(effect: { to: NodeId; message: Message; gate: 'none' | 'durable' }): void {
    const { to, message } = effect
    const waits = effect.gate === 'durable' && this.#unsynced.length > 0
    if (!waits) return this.#world.leave(this.id, to, message)
    this.#unsynced.push({ type: 'message', to, message })
    if (!this.autoSync) this.#say(`holds for its disk, to ${to}: ${renderMessage(message)}`, true)
  }

  #apply(entry: LogEntry): void {
    const commands = renderCommands(entry)
    if (commands !== '') this.machine.push(commands)
    this.#world.applied(this.id, entry)
    this.#say(`applies ${entry.index}${commands === '' ? '' : `: ${commands}`}`)
  }

  #say(text: string, chatter = false): void {
    this.#world.trace(`${this.id} ${text}`, chatter)
  }

  #check(broken: string | null): void {
    if (broken !== null) throw new Error(`${this.id}: ${broken}`)
  }
}

function decoded<T>(value: T | null): T {
  if (value === null) throw new Error('the codec does not read what it wrote')
  return value
}

function renderRecord(record: WalRecord): string {
  switch (record.type) {
    case 'HardState':
    case 'State':
      return `term ${record.term}${record.votedFor === null ? '' : ` and its vote for ${record.votedFor}`}`
    case 'Append': {
      const first = record.entries[0]?.index ?? 0
      const last = record.entries.at(-1)?.index ?? 0
      return first === last ? `entry ${first}` : `entries ${first}..${last}`
    }
    case 'SnapshotTaken':
    case 'SnapshotInstalled':
      return `that it has the snapshot through ${record.snapshot.index}`
    case 'Bootstrap':
      return 'its members'
    case 'Filled':
      return `what it got back: ${record.entries.map(renderId).join(', ')}`
    case 'Lost':
    case 'SnapshotLost':
      return record.type
  }
}
