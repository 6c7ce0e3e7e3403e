/**
 * One simulated node: the real core, driver, WAL and session machine, on a disk, a network and a clock that belong
 * to the simulation. It can be killed at any moment, also between two effects of one step, and starts again by
 * the real recovery.
 */
import { present } from '../base/assert.js'
import type { ReplyOutcome } from '../client/core/state.js'
import type { Core, Entry, Request, SnapshotMeta } from '../consensus/contract.js'
import type { Index, NodeId } from '../consensus/ids.js'
import { Driver } from '../driver/driver.js'
import type { ReadOutcome } from '../driver/outcomes.js'
import type { CommunicatorPort, WalPort } from '../driver/ports.js'
import { lineTrace } from '../driver/trace.js'
import type { Wal } from '../wal/wal.js'
import { check } from './checkers/violation.js'
import { type CrashKind, type OpenedDisk, SimDisk } from './disk.js'
import { SimMachine } from './machine.js'
import type { NodeContext } from './node-context.js'
import { observed } from './observed.js'
import { RecordedSnapshots } from './recorded-snapshots.js'

/** How often, at a tick, the log is asked to vouch for all that it holds. */
const MARK_CHANCE = 0.05

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
  #wal: Wal | null = null
  #lastBatch = 0
  #snapshots = new RecordedSnapshots(0)

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
      onInjected: () => context.diskFailed(),
      onFailure: (message) => {
        world.tell(() => `${id}: ${message}`)
        this.kill('process')
      },
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

  get leads(): boolean {
    const role = this.#core?.status().role
    return this.#alive && !this.#paused && (role === 'leader' || role === 'primary')
  }

  transferLeadership(to: NodeId): void {
    this.#driver?.transferLeadership(to)
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
    this.#wal = null
    this.#disk.crash(how)
  }

  /** Will it die at some effect or call of the disk to come? */
  get armed(): boolean {
    return this.#effectsLeft !== null || this.#disk.willFail
  }

  /** The n-th call of the disk from now fails; null: none does. */
  breakDiskAfter(calls: number | null): void {
    this.#disk.breakAfter(calls)
  }

  /** Dies at the n-th effect from now. */
  killAtEffect(count: number, how: CrashKind): void {
    this.#effectsLeft = { count, how }
  }

  /** Nothing that was to strike later strikes any more. */
  disarm(): void {
    this.#effectsLeft = null
    this.#disk.breakAfter(null)
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
    this.#admit(reply, (driver, answer) =>
      driver.submit(request, { deadline: this.#now() + deadlineMs }, answer),
    )
  }

  query(query: Uint8Array, deadlineMs: number, reply: (outcome: ReplyOutcome) => void): void {
    this.#admit(reply, (driver, answer) =>
      driver.read({ deadline: this.#now() + deadlineMs }, (outcome) =>
        answer(this.#answered(query, outcome)),
      ),
    )
  }

  /** Of a client; a node that died in between answers nothing. */
  #admit(
    reply: (outcome: ReplyOutcome) => void,
    ask: (driver: Driver<M, R>, answer: (outcome: ReplyOutcome) => void) => void,
  ): void {
    if (!this.#alive) return reply({ type: 'Unreachable' })
    this.guarded(() => {
      const generation = this.#generation
      if (this.#driver === null) return
      ask(this.#driver, (outcome) => {
        if (generation === this.#generation) reply(outcome)
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
    const generation = this.#generation
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
    this.#wal = opened.wal
    this.#snapshots = new RecordedSnapshots(core.status().snapshotIndex)
    if (opened.cut) this.#context.noted('torn-tail-cut')
    checker.started(this.id, core.status())
    protocolChecker.started(this.id, core, records)
    this.#machine = this.#newMachine()
    this.#driver = new Driver<M, R>({
      id: this.id,
      incarnation: self.incarnation,
      core: observed(this.id, core, this.#context, () => generation === this.#generation),
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
    if (this.#context.world.chance(MARK_CHANCE)) this.#wal?.mark()
    const ms = this.#context.swarm.tickMs / this.#clockRate
    this.#context.world.after(
      ms,
      this.guarded(() => this.#tick()),
    )
  }

  /** Between two effects: is this the place to die? True: dead. */
  #boundary(generation: number): boolean {
    if (generation !== this.#generation) return true
    if (this.#effectsLeft !== null && --this.#effectsLeft.count <= 0) {
      this.#context.struck('crash-at-effect')
      this.kill(this.#effectsLeft.how)
    }
    return generation !== this.#generation
  }

  #walPort(wal: WalPort): WalPort {
    const generation = this.#generation
    const lastBatch = this.#lastBatch
    return {
      append: (batch, payload, lastIndex, stateRecord) => {
        if (this.#boundary(generation)) return
        this.#context.world.mark(2, this.#index, batch, payload)
        this.#snapshots.appended(batch, this.#core?.status().snapshotIndex ?? 0)
        wal.append(batch, payload, lastIndex, stateRecord)
        this.#boundary(generation)
      },
      sync: (done) => {
        if (generation !== this.#generation) return
        wal.sync((batch) => {
          if (generation !== this.#generation) return
          this.#disk.synced(batch)
          this.#context.protocolChecker.synced(this.id, batch - lastBatch)
          const unused = this.#snapshots.synced(batch)
          // Behind every Restore asked for before: one of an older snapshot may still wait for its file.
          if (unused !== null) this.#machine?.inOrder(() => this.#disk.dropSnapshotsBelow(unused))
          done(batch)
        })
      },
      release: (through) => {
        if (!this.#boundary(generation)) wal.release(through)
      },
    }
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
