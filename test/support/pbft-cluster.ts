/**
 * PBFT cores joined by a network that does only what the test says, on disks that sync when the test says. Every
 * signature is verified as a host would; a message with a bad one is dropped. After every step it is checked that no
 * two honest replicas executed different batches at one index.
 */

import { isDeepStrictEqual } from 'node:util'
import { toHex } from '../../src/base/bytes.js'
import { utf8Encode } from '../../src/base/utf8.js'
import type { Effect, Entry, Input, Request, SnapshotMeta } from '../../src/consensus/contract.js'
import type { NodeId } from '../../src/consensus/ids.js'
import { signedBytes } from '../../src/consensus/pbft/encoding.js'
import {
  DEFAULT_OPTIONS,
  type Message,
  type Options,
  Pbft,
  pbft,
  type WalRecord,
} from '../../src/consensus/pbft/index.js'
import { checkState, checkTransition } from '../../src/consensus/pbft/invariants.js'
import { type Statement, statementsOf } from '../../src/consensus/pbft/messages.js'
import { surplusVote } from '../../src/consensus/pbft/surplus.js'
import { type Worth, worthOf, worthOfForward } from '../../src/consensus/pbft/worth.js'
import { fakeKeys, fakeVerify } from '../../src/crypto/fake.js'

export const CLUSTER_ID = 'test'
export const TICK_MS = 20

export interface Flight {
  readonly from: NodeId
  readonly to: NodeId
  readonly message: Message
}

export interface PbftTestOptions extends Partial<Options> {
  /** False: the test calls `sync`. */
  readonly autoSync?: boolean
}

interface Held {
  readonly batch: number
  readonly to: NodeId
  readonly message: Message
}

export class TestReplica {
  readonly id: NodeId
  core: Pbft
  /** Batches on disk; what is behind `synced` goes with the power. */
  disk: WalRecord[][] = []
  synced = 0
  isUp = true
  /** Honest replicas are compared with each other. */
  honest = true
  /** False: its disk has no room for them. */
  writesSnapshots = true
  /** What it executed: by index, in words. */
  readonly executed = new Map<number, string>()
  readonly notes: string[] = []
  now = 1_000_000
  #held: Held[] = []
  #starts = 0
  readonly #cluster: PbftCluster
  /** Batches of the disk before this start. */
  #base = 0

  constructor(cluster: PbftCluster, id: NodeId) {
    this.id = id
    this.#cluster = cluster
    this.disk = [[cluster.bootstrap]]
    this.synced = 1
    this.core = this.#start()
  }

  step(input: Input<Message>): void {
    if (!this.isUp) return
    const before = { ...this.core.state }
    this.#run(this.core.step(input))
    const problem = checkState(this.core.state) ?? checkTransition(before, this.core.state)
    if (problem !== null) throw new Error(`${this.id}: ${problem}`)
  }

  tick(count = 1): void {
    for (let i = 0; i < count; i++) {
      this.now += TICK_MS
      this.step({ type: 'Tick', now: this.now, nextDeadline: null })
    }
  }

  /** Likewise, and whatever the network does, it hears the others: so long nothing is done but wait. */
  wait(count = 1): void {
    for (let i = 0; i < count; i++) {
      this.core.state.heardElapsed = 0
      this.tick()
    }
  }

  sync(): void {
    if (!this.isUp || this.synced === this.disk.length) return
    this.synced = this.disk.length
    const batch = this.synced - this.#base
    const leaving = this.#held.filter((held) => held.batch <= batch)
    this.#held = this.#held.filter((held) => held.batch > batch)
    for (const { to, message } of leaving) this.#cluster.launch(this.id, to, message)
    this.step({ type: 'Persisted', batch })
  }

  crash(): void {
    this.isUp = false
    this.#held = []
    this.disk.length = this.synced
  }

  restart(): void {
    this.isUp = true
    this.core = this.#start()
  }

  #start(): Pbft {
    this.#base = this.disk.length
    this.#held = []
    const self = { id: this.id, seed: 1, incarnation: ++this.#starts }
    const { core, effects } = pbft.recover(this.disk.flat(), self, this.#cluster.optionsOf(this.id))
    this.core = core
    this.#run(effects)
    return core
  }

  #run(effects: readonly Effect<Message, WalRecord>[]): void {
    for (const effect of effects) this.#runOne(effect)
    if (this.#cluster.autoSync) this.sync()
  }

  #runOne(effect: Effect<Message, WalRecord>): void {
    switch (effect.type) {
      case 'Persist': {
        const decoded = pbft.decodeRecords(pbft.encodeRecords(effect.records))
        if (decoded === null) throw new Error('records that cannot be read back')
        this.disk.push(decoded)
        return
      }
      case 'Send': {
        const emitted = this.disk.length - this.#base
        if (effect.gate === 'none' || this.synced === this.disk.length)
          this.#cluster.launch(this.id, effect.to, effect.message)
        else this.#held.push({ batch: emitted, to: effect.to, message: effect.message })
        return
      }
      case 'Apply':
        for (const entry of effect.entries) this.#apply(entry)
        return
      case 'TakeCheckpoint':
        return this.#cluster.later(() =>
          this.step({
            type: 'CheckpointTaken',
            index: effect.index,
            digest: this.stateAt(effect.index),
          }),
        )
      case 'TakeSnapshot': {
        if (!this.writesSnapshots)
          return this.#cluster.later(() =>
            this.step({ type: 'SnapshotFailed', snapshot: effect.snapshot }),
          )
        const digest = toHex(fakeKeys('').digest(utf8Encode(this.stateAt(effect.snapshot.index))))
        const snapshot: SnapshotMeta = { ...effect.snapshot, digest, bytes: 1 }
        return this.#cluster.later(() => this.step({ type: 'SnapshotTaken', snapshot }))
      }
      case 'Restore':
        return this.#cluster.restore(this, effect.snapshot.index)
      case 'FetchSnapshot': {
        const { from, target } = effect
        return this.#cluster.later(() => {
          const source = this.#cluster.replica(from)
          const has = source.isUp && source.core.state.snapshot?.index === target.index
          if (has && source.honest) this.step({ type: 'SnapshotReceived', from, snapshot: target })
          else this.step({ type: 'SnapshotFailed', snapshot: target, peer: from })
        })
      }
      case 'Note':
        this.notes.push(effect.note.event)
        return
      default:
        return
    }
  }

  #apply(entry: Entry): void {
    const text = `${entry.time} ${entry.requests.map((r) => `${r.session}.${r.seq}`).join(',')}`
    this.executed.set(entry.index, text)
    if (this.honest) this.#cluster.agree(this.id, entry.index, text)
  }

  /** A state is what was executed up to it. */
  stateAt(index: number): string {
    let state = ''
    for (let i = 1; i <= index; i++) state += `${this.executed.get(i) ?? '?'};`
    return state
  }
}

export class PbftCluster {
  readonly ids: readonly NodeId[]
  readonly replicas: readonly TestReplica[]
  readonly bootstrap: WalRecord
  readonly autoSync: boolean
  flights: Flight[] = []
  /** Votes that were not looked at, as nobody needed them. */
  surplus = 0
  /** Messages that no signature makes good. */
  worthless = 0
  /** May change, drop (null) or multiply what a replica sends. */
  tamper: (flight: Flight) => readonly Flight[] = (flight) => [flight]
  readonly #options: Partial<Options>
  readonly #blocked = new Set<string>()
  readonly #agreed = new Map<number, string>()
  #later: (() => void)[] = []
  #seq = 0

  constructor(n: number, options: PbftTestOptions = {}) {
    const { autoSync = true, ...rest } = options
    this.autoSync = autoSync
    this.#options = rest
    this.ids = Array.from({ length: n }, (_, i) => `n${i + 1}`)
    this.bootstrap = pbft.bootstrap(this.ids.map((id) => ({ id, uid: `uid-${id}` })))
    this.replicas = this.ids.map((id) => new TestReplica(this, id))
  }

  optionsOf(id: NodeId): Options {
    return {
      ...DEFAULT_OPTIONS,
      clusterId: CLUSTER_ID,
      crypto: fakeKeys(id),
      checkpointInterval: 4,
      windowIndices: 8,
      pipelineIndices: 4,
      unpreparedIndices: 4,
      requestTicks: 10,
      viewChangeTicks: 10,
      viewChangeTicksMax: 80,
      statusTicks: 5,
      snapshotIndices: 6,
      ...this.#options,
    }
  }

  replica(id: NodeId): TestReplica {
    const replica = this.replicas.find((one) => one.id === id)
    if (replica === undefined) throw new Error(`no replica ${id}`)
    return replica
  }

  get up(): TestReplica[] {
    return this.replicas.filter((one) => one.isUp)
  }

  block(from: NodeId, to: NodeId): void {
    this.#blocked.add(`${from}>${to}`)
  }

  isolate(id: NodeId): void {
    for (const other of this.ids) {
      this.block(id, other)
      this.block(other, id)
    }
  }

  heal(): void {
    this.#blocked.clear()
  }

  launch(from: NodeId, to: NodeId, message: Message): void {
    const decoded = pbft.decodeMessage(pbft.encodeMessage(message))
    if (decoded === null) throw new Error(`a ${message.type} that cannot be read back`)
    if (this.#blocked.has(`${from}>${to}`)) return
    this.flights.push(...this.tamper({ from, to, message: decoded }))
  }

  later(task: () => void): void {
    this.#later.push(task)
  }

  deliverOne(flight: Flight): void {
    this.flights = this.flights.filter((one) => one !== flight)
    const { from, to, message } = flight
    if (surplusVote(this.replica(to).core.state, message) !== null) {
      this.surplus++
      return
    }
    const { core } = this.replica(to)
    const worth = worthOf(core.state, message)
    const asked = message.type === 'Forward' ? worthOfForward(core.state, message) : message
    if (worth === 'none' || asked !== message)
      this.#compare(core, from, { whole: message, asked, worth })
    if (worth === 'none') {
      this.worthless++
      return
    }
    const statements = worth === 'own' ? statementsOf(message).slice(0, 1) : statementsOf(message)
    for (const statement of statements)
      if (!fakeVerify(statement.sender, signedBytes(CLUSTER_ID, statement), statement.signature))
        return
    this.replica(to).step({ type: 'Receive', from, message: asked })
  }

  /** What a host leaves out must be nothing to the core: the same comes of it, but that its sender was heard. */
  #compare(
    core: Pbft,
    from: NodeId,
    { whole, asked, worth }: { whole: Message; asked: Message; worth: Worth },
  ): void {
    const [withAll, without] = [copyOf(core), copyOf(core)]
    const effects = withAll.step({ type: 'Receive', from, message: whole })
    const others = worth === 'none' ? [] : without.step({ type: 'Receive', from, message: asked })
    const same = isDeepStrictEqual(
      [{ ...withAll.state, heard: null }, effects.filter(({ type }) => type !== 'Note')],
      [{ ...without.state, heard: null }, others.filter(({ type }) => type !== 'Note')],
    )
    if (!same) throw new Error(`a ${whole.type} from ${from} that was left out is something`)
  }

  runLater(): void {
    const tasks = this.#later
    this.#later = []
    for (const task of tasks) task()
  }

  /** Until nothing is on its way. */
  settle(rounds = 500): void {
    for (let i = 0; i < rounds; i++) {
      this.runLater()
      const flights = this.flights
      if (flights.length === 0 && this.#later.length === 0) return
      for (const flight of flights) this.deliverOne(flight)
    }
    throw new Error('the network does not come to rest')
  }

  /** Time passes for all, the network kept settled. */
  pass(ticks: number): void {
    for (let i = 0; i < ticks; i++) {
      for (const replica of this.up) replica.tick()
      this.settle()
    }
  }

  request(): Request {
    const seq = ++this.#seq
    return { session: 1, seq, ackedThrough: 0, command: Uint8Array.of(seq % 256) }
  }

  /** Everybody hears of everybody: before that nobody loses patience. */
  meet(): void {
    for (const { core } of this.up) core.state.statusElapsed = core.state.options.statusTicks
    this.pass(1)
  }

  /** As a client that asks everybody. */
  ask(ids: readonly NodeId[] = this.ids, count = 1): Request[] {
    const requests = Array.from({ length: count }, () => this.request())
    for (const id of ids) this.replica(id).step({ type: 'Propose', requests })
    return requests
  }

  /** The state is copied from whoever is honest and there. */
  restore(replica: TestReplica, index: number): void {
    for (const [at, text] of this.#agreed) if (at <= index) replica.executed.set(at, text)
  }

  agree(id: NodeId, index: number, text: string): void {
    const known = this.#agreed.get(index)
    if (known === undefined) this.#agreed.set(index, text)
    else if (known !== text)
      throw new Error(`${id} executed ${text} at ${index}, another replica ${known}`)
  }

  /** How often a request was executed, by the agreed order. */
  timesExecuted(request: Request): number {
    const key = `${request.session}.${request.seq}`
    let times = 0
    for (const text of this.#agreed.values())
      for (const one of (text.split(' ')[1] ?? '').split(',')) if (one === key) times++
    return times
  }
}

function copyOf({ state }: Pbft): Pbft {
  const { options, ...rest } = state
  return new Pbft({ ...structuredClone(rest), options })
}

/** With the sender's own key: a liar signs what it likes. */
export function signed<S extends Statement>(statement: Omit<S, 'epoch' | 'signature'>): S {
  const unsigned = { epoch: 0, ...statement, signature: new Uint8Array(0) } as unknown as S
  const signature = fakeKeys(unsigned.sender).sign(signedBytes(CLUSTER_ID, unsigned))
  return { ...unsigned, signature }
}
