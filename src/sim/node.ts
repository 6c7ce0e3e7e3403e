/**
 * One simulated node: the real core, driver, WAL and session machine, on a disk, a network and a clock that belong
 * to the simulation. It can be killed at any moment, also between two effects of one step, and starts again by
 * the real recovery.
 */
import { present } from '../base/assert.js'
import type { ReplyOutcome } from '../client/core/state.js'
import type {
  Core,
  Effect,
  Entry,
  Input,
  Member,
  Request,
  SnapshotMeta,
} from '../consensus/contract.js'
import type { Index, NodeId } from '../consensus/ids.js'
import { Driver } from '../driver/driver.js'
import type { ReadOutcome } from '../driver/outcomes.js'
import type { CommunicatorPort, WalPort } from '../driver/ports.js'
import { lineTrace } from '../driver/trace.js'
import type { ClusterChecker } from './checkers/cluster.js'
import type { ProtocolChecker } from './checkers/protocol.js'
import { check } from './checkers/violation.js'
import { type CrashKind, type OpenedDisk, SimDisk } from './disk.js'
import { SimMachine } from './machine.js'
import type { SimProtocol } from './protocol.js'
import type { SwarmOptions } from './swarm.js'
import type { World } from './world.js'

/** What a node needs of the cluster around it. */
export interface NodeContext<M extends { readonly type: string }, R, O, C extends Core<M, R>> {
  readonly world: World
  readonly swarm: SwarmOptions
  readonly sim: SimProtocol<M, R, O, C>
  readonly checker: ClusterChecker
  readonly protocolChecker: ProtocolChecker<C, M, R>
  readonly members: readonly Member[]
  send(from: NodeId, to: NodeId, bytes: Uint8Array): void
  sendSnapshot(
    from: NodeId,
    to: NodeId,
    file: { readonly meta: SnapshotMeta; readonly pieces: readonly Uint8Array[] },
    done: (delivered: boolean) => void,
  ): void
  /** Chances and delays that the nemesis may change. */
  readonly disturbance: { slowMachineMs: number; slowDiskMs: number; snapshotFails: number }
  snapshotFailed(): void
  stepped(): void
  noted(event: string): void
}

export class SimNode<M extends { readonly type: string }, R, O, C extends Core<M, R>> {
  readonly id: NodeId
  readonly #index: number
  readonly #context: NodeContext<M, R, O, C>
  readonly #disk: SimDisk
  /** Its own clock runs at this rate, from this start (ms). */
  readonly #clockRate: number
  readonly #clockStart: number
  /** Changes at each start and each death: what was asked for before is nobody's any more. */
  #generation = 0
  #alive = false
  #paused = false
  #backlog: (() => void)[] = []
  /** Effects left until it dies; null: it does not. */
  #effectsLeft: { count: number; readonly how: CrashKind } | null = null
  #driver: Driver<M, R> | null = null
  #core: C | null = null
  #machine: SimMachine | null = null
  #lastBatch = 0
  /** The snapshot that the core had when each batch was appended; and the newest one whose record is on disk. */
  #snapshotOf: { readonly batch: number; readonly index: Index }[] = []
  #durableSnapshot = 0

  constructor(id: NodeId, index: number, context: NodeContext<M, R, O, C>) {
    this.id = id
    this.#index = index
    this.#context = context
    const { world, swarm, disturbance } = context
    this.#disk = new SimDisk(world, {
      nodeId: id,
      syncMs: () => swarm.syncMs + disturbance.slowDiskMs,
      segmentBytes: swarm.segmentBytes,
      awake: (task) => this.#whenAwake(task),
    })
    const drift = swarm.clockDriftMax * 1_000
    this.#clockRate = 1 + world.int(-drift, drift) / 1_000
    this.#clockStart = world.int(0, 1_000_000)
  }

  get alive(): boolean {
    return this.#alive
  }

  get paused(): boolean {
    return this.#paused
  }

  get core(): C | null {
    return this.#core
  }

  get driver(): Driver<M, R> | null {
    return this.#driver
  }

  get machine(): SimMachine | null {
    return this.#machine
  }

  /** An empty disk gets the record that forms the cluster; any other is recovered. */
  start(): void {
    const generation = ++this.#generation
    this.#alive = true
    this.#paused = false
    this.#backlog = []
    this.#effectsLeft = null
    this.#context.world.tell(() => `${this.id}: starts`)
    this.#disk.open((opened) => {
      if (generation !== this.#generation) return
      const { protocol } = this.#context.sim
      if (opened.payloads.length > 0) {
        this.#recovered(opened)
        return
      }
      const record = protocol.bootstrap(this.#context.members)
      const payload = protocol.encodeRecords([record])
      opened.wal.append(1, payload, 1, () => protocol.encodeRecords([]))
      opened.wal.sync((batch) => {
        this.#disk.synced(batch)
        if (generation !== this.#generation) return
        this.#recovered({ ...opened, payloads: [payload], lastBatch: 1 })
      })
    })
  }

  kill(how: CrashKind): void {
    if (!this.#alive) return
    this.#context.world.mark(4, this.#index, how === 'power' ? 1 : 0)
    this.#context.world.tell(() => `${this.id}: dies (${how})`)
    this.#generation++
    this.#alive = false
    this.#paused = false
    this.#backlog = []
    this.#driver?.stop()
    this.#driver = null
    this.#core = null
    this.#machine = null
    this.#disk.crash(how)
  }

  /** Will it die at some effect to come? */
  get armed(): boolean {
    return this.#effectsLeft !== null
  }

  /** Dies at the n-th effect from now. */
  killAtEffect(count: number, how: CrashKind): void {
    this.#effectsLeft = { count, how }
  }

  pause(): void {
    if (this.#alive) this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    const backlog = this.#backlog
    this.#backlog = []
    for (const task of backlog) task()
  }

  /** The task runs as this start of the node, or never; a paused node catches up when it goes on. */
  guarded(task: () => void): () => void {
    const generation = this.#generation
    const run = () => {
      if (generation !== this.#generation) return
      if (this.#paused) this.#backlog.push(run)
      else task()
    }
    return run
  }

  /** For completions of the disk, which knows itself which life asked for them. */
  #whenAwake(task: () => void): void {
    if (this.#paused) this.#backlog.push(task)
    else task()
  }

  receive(from: NodeId, bytes: Uint8Array): void {
    this.guarded(() => this.#driver?.receive(from, bytes))()
  }

  /** `done`: it is on our disk, or we need none of it. */
  receiveSnapshot(
    from: NodeId,
    file: { readonly meta: SnapshotMeta; readonly pieces: readonly Uint8Array[] },
    done: (delivered: boolean) => void,
  ): void {
    const { meta, pieces } = file
    this.guarded(() => {
      const behind = () => (this.#core?.status().commitIndex ?? 0) < meta.index
      this.#disk.receiveSnapshot(meta, pieces, behind, (written) => {
        // What is committed here needs no file; writing one could replace our own of that index.
        if (written || !behind()) this.#driver?.snapshotReceived(from, meta)
        done(written || !behind())
      })
    })()
  }

  command(request: Request, deadlineMs: number, reply: (outcome: ReplyOutcome) => void): void {
    if (!this.#alive) {
      reply({ type: 'Unreachable' })
      return
    }
    this.guarded(() => {
      const generation = this.#generation
      this.#driver?.submit(request, { deadline: this.#now() + deadlineMs }, (outcome) => {
        if (generation === this.#generation) reply(outcome)
      })
    })()
  }

  query(query: Uint8Array, deadlineMs: number, reply: (outcome: ReplyOutcome) => void): void {
    if (!this.#alive) {
      reply({ type: 'Unreachable' })
      return
    }
    this.guarded(() => {
      const generation = this.#generation
      this.#driver?.read({ deadline: this.#now() + deadlineMs }, (outcome) => {
        if (generation === this.#generation) reply(this.#answered(query, outcome))
      })
    })()
  }

  #answered(query: Uint8Array, outcome: ReadOutcome): ReplyOutcome {
    switch (outcome.type) {
      case 'Ready':
        return { type: 'Answer', bytes: present(this.#machine).ledger.query(query) }
      case 'Unsupported':
        return { type: 'Overloaded', reason: 'unsupported' }
      default:
        return outcome
    }
  }

  #now(): number {
    return Math.floor(this.#clockStart + this.#context.world.now * this.#clockRate)
  }

  #recovered(opened: OpenedDisk): void {
    const { world, sim, swarm, checker, protocolChecker } = this.#context
    const records: R[] = []
    for (const payload of opened.payloads) {
      const decoded = sim.protocol.decodeRecords(payload)
      check(decoded !== null, 'recovery', () => `${this.id}: a record that we did not write`)
      records.push(...(decoded ?? []))
    }
    const self = {
      id: this.id,
      seed: world.int(1, 0x7fffffff),
      incarnation: world.int(1, 0x7fffffff),
    }
    world.mark(3, this.#index, records.length)
    const { core, effects } = sim.protocol.recover(records, self, sim.options(swarm))
    this.#core = core
    this.#lastBatch = opened.lastBatch
    this.#snapshotOf = []
    this.#durableSnapshot = core.status().snapshotIndex
    if (opened.cut) this.#context.noted('torn-tail-cut')
    checker.started(this.id, core.status())
    protocolChecker.started(this.id, core, records)
    this.#machine = this.#newMachine()
    this.#driver = new Driver<M, R>({
      id: this.id,
      incarnation: self.incarnation,
      core: this.#observed(core),
      effects,
      protocol: sim.protocol,
      lastBatch: opened.lastBatch,
      limits: {
        tickMs: swarm.tickMs,
        electionTimeoutMs: swarm.electionTicks * swarm.tickMs,
        turnMessagesMax: swarm.turnMessagesMax,
      },
      ports: {
        wal: this.#walPort(opened.wal),
        communicator: this.#communicatorPort(),
        machine: this.#machine,
        scheduler: { soon: (task) => world.after(0.02, this.guarded(task)) },
        notes: { note: (note) => this.#context.noted(note.event) },
      },
      ...(world.tracing
        ? { trace: lineTrace<M, R>((line) => world.tell(() => `${this.id} ${line}`)) }
        : {}),
    })
    this.#tick()
  }

  #tick(): void {
    this.#driver?.tick(this.#now())
    const ms = this.#context.swarm.tickMs / this.#clockRate
    this.#context.world.after(
      ms,
      this.guarded(() => this.#tick()),
    )
  }

  /** The core, with the checkers looking over its shoulder. */
  #observed(core: C): Core<M, R> {
    const generation = this.#generation
    return {
      step: (input: Input<M>): Effect<M, R>[] => {
        if (generation !== this.#generation) return []
        const effects = core.step(input)
        const { checker, protocolChecker } = this.#context
        this.#context.stepped()
        checker.stepped(this.id, core.status())
        protocolChecker.stepped(this.id, core, input, effects)
        return effects
      },
      status: () => core.status(),
      stateRecord: () => core.stateRecord(),
    }
  }

  /** Between two effects: is this the place to die? True: dead. */
  #boundary(generation: number): boolean {
    if (generation !== this.#generation) return true
    if (this.#effectsLeft !== null && --this.#effectsLeft.count <= 0)
      this.kill(this.#effectsLeft.how)
    return generation !== this.#generation
  }

  #walPort(wal: WalPort): WalPort {
    const generation = this.#generation
    const lastBatch = this.#lastBatch
    return {
      append: (batch, payload, lastIndex, stateRecord) => {
        if (this.#boundary(generation)) return
        this.#context.world.mark(2, this.#index, batch, payload)
        this.#snapshotOf.push({ batch, index: this.#core?.status().snapshotIndex ?? 0 })
        wal.append(batch, payload, lastIndex, stateRecord)
        this.#boundary(generation)
      },
      sync: (done) => {
        if (generation !== this.#generation) return
        wal.sync((batch) => {
          if (generation !== this.#generation) return
          this.#disk.synced(batch)
          this.#context.protocolChecker.synced(this.id, batch - lastBatch)
          this.#dropSnapshots(batch)
          done(batch)
        })
      },
      release: (through) => {
        if (!this.#boundary(generation)) wal.release(through)
      },
    }
  }

  /** A snapshot may go when the record of a newer one is on disk. */
  #dropSnapshots(batch: number): void {
    let durable = 0
    while (this.#snapshotOf[0] !== undefined && this.#snapshotOf[0].batch <= batch)
      durable = this.#snapshotOf.shift()?.index ?? 0
    if (durable <= this.#durableSnapshot) return
    this.#durableSnapshot = durable
    // Behind every Restore asked for before: one of an older snapshot may still wait for its file.
    this.#machine?.inOrder(() => this.#disk.dropSnapshotsBelow(durable))
  }

  #communicatorPort(): CommunicatorPort {
    const generation = this.#generation
    const { protocol } = this.#context.sim
    return {
      send: (to, bytes) => {
        if (this.#boundary(generation)) return
        const message = protocol.decodeMessage(bytes)
        check(message !== null, 'codec', () => `${this.id} cannot decode its own message`)
        if (message !== null) this.#context.protocolChecker.sent(this.id, to, message)
        this.#context.send(this.id, to, bytes)
      },
      sendSnapshot: (to, meta, done) => {
        if (this.#boundary(generation)) return
        const finished = (delivered: boolean) => {
          if (generation === this.#generation) this.guarded(() => done(delivered))()
        }
        this.#disk.readSnapshot(meta, (pieces) => {
          if (pieces === null) finished(false)
          else this.#context.sendSnapshot(this.id, to, { meta, pieces }, finished)
        })
      },
    }
  }

  #newMachine(): SimMachine {
    const { world, swarm, checker, disturbance } = this.#context
    const generation = this.#generation
    return new SimMachine({
      after: (ms, task) => world.after(ms, this.guarded(task)),
      taskMs: () => swarm.applyMs + disturbance.slowMachineMs,
      applied: (entry: Entry, state: string) => {
        world.mark(1, this.#index, entry.index)
        checker.applied(this.id, entry, state)
      },
      restored: (index: Index, state: string) => checker.restored(this.id, index, state),
      writeSnapshot: (index, chunks, done) => {
        if (this.#boundary(generation)) return
        if (world.chance(disturbance.snapshotFails)) {
          this.#context.snapshotFailed()
          world.after(
            1,
            this.guarded(() => done(null)),
          )
          return
        }
        this.#disk.writeSnapshot(index, chunks, done)
      },
      readSnapshot: (meta, done) => this.#disk.readSnapshot(meta, done),
    })
  }
}
