/**
 * One simulated node: the real core, driver, WAL and session machine, on a disk, a network and a clock that belong
 * to the simulation. It can be killed at any moment, also between two effects of one step, and starts again by
 * the real recovery.
 */

import type { Hasher } from '../base/sha256.js'
import type { ReplyOutcome } from '../client/core/state.js'
import type { Core, CoreStatus, Request, Self, SnapshotMeta } from '../consensus/contract.js'
import type { NodeId, RequestId } from '../consensus/ids.js'
import type { Driver } from '../driver/driver.js'
import { type Hashing, TreeHasher } from '../state-transfer/tree.js'
import type { Operation } from '../wal/memory-file-system.js'
import { check } from './checkers/violation.js'
import { FakeHasher } from './disk/fake-hasher.js'
import { type CrashKind, type OpenedDisk, SimDisk } from './disk.js'
import type { SimMachine } from './machine.js'
import type { FatalCall, StruckNode } from './nemesis/stage.js'
import { NodeClock } from './node/clock.js'
import { type ClientCut, Door } from './node/door.js'
import { type Backup, ForeignDisk } from './node/foreign-disk.js'
import { Identity } from './node/identity.js'
import { type Host, Incarnation } from './node/incarnation.js'
import { Life } from './node/life.js'
import { type Expected, Moments } from './node/moments.js'
import { type RecoveredCore, recordsOf, recoverCore } from './node/recovery.js'
import type { NodeContext } from './node-context.js'

function newSnapshotHasher(hashing: Hashing | undefined): Hasher {
  return hashing === undefined ? new FakeHasher() : new TreeHasher(hashing)
}

/** How often, at a tick, the log is asked to vouch for all that it holds. */
const MARK_CHANCE = 0.05
/** Of what slows syncs down, for calls that go to the cache. */
const CALL_SHARE = 0.1
const CLOCK_START_MS_MAX = 1_000_000

export class SimNode<M extends { readonly type: string }, R, O, C extends Core<M, R>>
  implements StruckNode
{
  readonly id: NodeId
  readonly clock: NodeClock
  readonly disk: SimDisk
  readonly #index: number
  readonly #context: NodeContext<M, R, O, C>
  readonly #life = new Life()
  readonly #door: Door<M, R>
  readonly #moments = new Moments()
  readonly identity: Identity
  readonly #foreign: ForeignDisk
  /** Effects left until it dies; null: it does not. */
  #effectsLeft: { count: number; readonly how: CrashKind } | null = null
  readonly #host: Host<M, R, O, C>
  /** Null: it is dead, or still reads its disk. */
  #incarnation: Incarnation<M, R, O, C> | null = null
  #refused = false

  constructor(id: NodeId, index: number, context: NodeContext<M, R, O, C>) {
    this.id = id
    this.#index = index
    this.#context = context
    const { world, swarm, disturbance } = context
    this.disk = new SimDisk(world, {
      nodeId: id,
      syncMs: () => swarm.syncMs + disturbance.slowDiskMs,
      callMs: () => disturbance.slowDiskMs * CALL_SHARE,
      segmentBytes: swarm.segmentBytes,
      newSnapshotHasher: () => newSnapshotHasher(context.sim.snapshotHashing),
      awake: (task) => this.#life.whenAwake(task),
      onInjected: (kind) => context.struck(kind),
      onRefusal: (message) => this.#refuse(message),
      onFailure: (message) => {
        world.tell(() => `${id}: ${message}`)
        this.kill('process')
      },
    })
    const drift = swarm.clockDriftMax * 1_000
    this.clock = new NodeClock(
      () => world.now,
      world.int(0, CLOCK_START_MS_MAX),
      world.int(-drift, drift),
    )
    const self = context.members[index] ?? { id, uid: `uid-${id}` }
    this.identity = new Identity(self, context.members)
    this.#foreign = new ForeignDisk({
      disk: this.disk,
      identity: this.identity,
      life: this.#life,
      after: (ms, task) => world.after(ms, task),
      incarnation: () => world.int(1, 0x7fffffff),
      greet: (greeted) => context.greet(id, greeted),
      refused: (mark, why) => {
        world.tell(() => `${id}: refuses to start: ${why}`)
        context.noted(mark)
        this.kill('process')
      },
    })
    this.#host = {
      ...{ id, index, context, disk: this.disk, life: this.#life, moments: this.#moments },
      boundary: (living) => this.#boundary(living),
      snapshotGone: () => this.#snapshotGone(),
    }
    this.#door = new Door({
      life: this.#life,
      now: () => this.clock.read(),
      driver: () => this.driver,
      machine: () => this.machine,
      nonce: () => world.int(1, 0x7fffffff) * 0x10_0000 + world.int(0, 0xf_ffff),
      forward: swarm.forwards,
      submitted: (request) => context.appended.submitted(id, request),
    })
  }

  get alive(): boolean {
    return this.#life.alive
  }

  get paused(): boolean {
    return this.#life.paused
  }

  get leads(): boolean {
    const role = this.status?.role
    return this.alive && !this.paused && (role === 'leader' || role === 'primary')
  }

  get commitIndex(): number {
    return this.status?.commitIndex ?? 0
  }

  /** Of the core. */
  get status(): CoreStatus | null {
    return this.#incarnation?.status ?? null
  }

  get core(): C | null {
    return this.#incarnation?.core ?? null
  }

  get driver(): Driver<M, R> | null {
    return this.#incarnation?.driver ?? null
  }

  get machine(): SimMachine | null {
    return this.#incarnation?.machine ?? null
  }

  /** An empty disk gets the record that forms the cluster; any other is recovered. */
  start(): void {
    if (this.#foreign.isIn) return this.#foreign.start()
    if (this.#refused) return
    this.#life.begin()
    this.#effectsLeft = null
    this.#context.world.tell(() => `${this.id}: starts`)
    const living = this.#life.witness()
    this.disk.open((opened) => {
      if (!living()) return
      const { protocol } = this.#context.sim
      if (opened.items.length > 0) {
        this.#recovered(opened)
        return
      }
      const record = protocol.bootstrap(this.#context.members)
      const payload = protocol.encodeRecords([record])
      const self = { id: this.id, seed: 1, incarnation: 1 }
      const options = this.#context.sim.options(this.#context.swarm)
      const shape = protocol.recover([record], self, options).core.shape()
      const stateRecord = () => protocol.encodeRecords([])
      opened.wal.append(1, payload, { lastIndex: 1, shape, stateRecord })
      opened.wal.sync((batch) => {
        this.disk.synced(batch)
        if (!living()) return
        this.#recovered({ ...opened, items: [payload], lastBatch: 1 })
      })
    })
  }

  kill(how: CrashKind): void {
    if (!this.alive) return
    this.#context.world.mark(4, this.#index, how === 'power' ? 1 : 0)
    this.#context.world.tell(() => `${this.id}: dies (${how})`)
    this.#life.end()
    this.#incarnation?.driver.stop()
    this.#incarnation = null
    this.disk.crash(how)
  }

  /** Will it die at some effect or call of the disk to come? */
  get armed(): boolean {
    return this.#effectsLeft !== null || this.disk.faults.willFail
  }

  /** Calls back when it comes to that; null: it is waited for no more. */
  expect(expected: Expected | null): void {
    this.#moments.expect(expected)
  }

  /** Dies when the n-th call of this kind from now was made, some time before it ends if ever. */
  killAtDiskCall(operation: Operation, { nth, msMax, how }: FatalCall): void {
    const { world } = this.#context
    const die = () => {
      this.#context.struck('crash-at-disk-call')
      world.after(
        world.exponential(msMax),
        this.#life.guarded(() => this.kill(how)),
      )
    }
    this.disk.faults.dieAt({ operation, left: nth, die })
  }

  /** Dies at the n-th effect from now. */
  killAtEffect(count: number, how: CrashKind): void {
    this.#effectsLeft = { count, how }
  }

  /** Nothing that was to strike later strikes any more. */
  disarm(): void {
    this.#effectsLeft = null
    this.#moments.expect(null)
    this.disk.faults.breakAfter(null)
    this.disk.faults.dieAt(null)
    this.disk.faults.limit(null)
    this.disk.faults.stallUntil(0)
  }

  backup(): Backup {
    return this.#foreign.backup()
  }

  /** Dies, and finds another disk in the place of its own: an old copy, or an empty one. */
  exchangeDisk(copy: Backup | null): void {
    this.kill('power')
    this.#foreign.exchange(copy)
  }

  get hasForeignDisk(): boolean {
    return this.#foreign.isIn
  }

  /** Its own disk is back; it has to be started again. */
  putDiskBack(): void {
    if (!this.#foreign.isIn) return
    this.kill('process')
    this.#foreign.putBack()
  }

  pause(): void {
    this.#life.pause()
  }

  resume(): void {
    this.#life.resume()
  }

  transferLeadership(to: NodeId): void {
    this.driver?.transferLeadership(to)
  }

  /** Between it and all clients. */
  cutClients(cut: ClientCut): void {
    this.#door.cut = cut
  }

  /** It will not start on this disk again. */
  get refused(): boolean {
    return this.#refused
  }

  receive(from: NodeId, bytes: Uint8Array): void {
    this.#life.run(() => this.driver?.receive(from, bytes))
  }

  /** A peer asks for a part of our snapshot. */
  partAsked(by: NodeId, bytes: Uint8Array): void {
    this.#life.run(() => this.#incarnation?.transfer?.asked(by, bytes))
  }

  partAnswered(from: NodeId, bytes: Uint8Array): void {
    this.#life.run(() => this.#incarnation?.transfer?.answered(from, bytes))
  }

  /** `done`: it is on our disk, or we need none of it. */
  receiveSnapshot(
    from: NodeId,
    file: { readonly meta: SnapshotMeta; readonly pieces: readonly Uint8Array[] },
    done: (delivered: boolean) => void,
  ): void {
    const { meta, pieces } = file
    this.#life.run(() => {
      // A node that is still reading its disk takes none: it could not tell its core, and the leader would wait for ever.
      if (this.driver === null) return done(false)
      const behind = () => this.commitIndex < meta.index
      this.disk.receiveSnapshot(meta, pieces, behind, (written) => {
        // What is committed here needs no file; writing one could replace our own of that index.
        if (written || !behind()) this.driver?.snapshotReceived(from, meta)
        done(written || !behind())
      })
    })
  }

  command(request: Request, deadlineMs: number, reply: (outcome: ReplyOutcome) => void): void {
    this.#door.command(request, deadlineMs, reply)
  }

  /** What is executed already and not acknowledged need not be ordered again; null: it is not. */
  stored({ session, seq }: RequestId): Uint8Array | null {
    if (session === 0 || !this.#door.hears || !this.alive || this.paused) return null
    return this.machine?.storedAnswer(session, seq) ?? null
  }

  /** What it says reaches the clients. */
  get hearsClients(): boolean {
    return this.alive && this.#door.tells
  }

  query(query: Uint8Array, deadlineMs: number, reply: (outcome: ReplyOutcome) => void): void {
    this.#door.query(query, deadlineMs, reply)
  }

  #recovered(opened: OpenedDisk): void {
    const { world, swarm, sim } = this.#context
    const records = recordsOf(opened, this.#context)
    if (typeof records === 'string') return this.#refuse(records)
    const self = {
      id: this.id,
      seed: world.int(1, 0x7fffffff),
      incarnation: world.int(1, 0x7fffffff),
    }
    this.identity.begin(self.incarnation)
    world.mark(3, this.#index, records.length)
    const recovered = recoverCore(records, self, this.#context)
    if (typeof recovered === 'string') return this.#refuse(recovered)
    const { snapshot } = recovered
    if (snapshot === null || !swarm.kinds.has('snapshot-rot'))
      return this.#run(opened, recovered, self)
    const living = this.#life.witness()
    this.disk.readSnapshot(snapshot, (pieces) => {
      if (!living()) return
      if (pieces !== null) return this.#run(opened, recovered, self)
      this.#context.noted('snapshot-lost')
      const without = recoverCore([...records, sim.protocol.snapshotLost()], self, this.#context)
      if (typeof without === 'string') this.#refuse(without)
      else this.#run(opened, without, self)
    })
  }

  #run(opened: OpenedDisk, recovered: RecoveredCore<M, R, C>, self: Self): void {
    if (opened.cut) this.#context.noted('torn-tail-cut')
    const living = this.#life.witness()
    const incarnation = new Incarnation(this.#host, opened, recovered, self)
    // It may have died of the first effects.
    if (!living()) return incarnation.driver.stop()
    this.#incarnation = incarnation
    this.#tick()
  }

  /** Only what no copy is left of, or a disk that was exchanged, is a reason. */
  #refuse(reason: string): void {
    const { swarm, world } = this.#context
    check(swarm.hopeless, 'recovery', () => `${this.id}: ${reason}`)
    world.tell(() => `${this.id}: refuses to start: ${reason}`)
    this.#context.noted('refused')
    this.#refused = true
    this.kill('process')
  }

  #tick(): void {
    const { world, swarm } = this.#context
    const { clock } = this
    const { wallClock } = this.#context.sim
    this.driver?.tick(clock.read(), wallClock ? clock.wall() : clock.read())
    if (world.chance(MARK_CHANCE)) this.#incarnation?.wal.mark()
    world.after(
      swarm.tickMs / this.clock.rate,
      this.#life.guarded(() => this.#tick()),
    )
  }

  /** A file that was there, and now is not the one any more: the next start finds that out. */
  #snapshotGone(): boolean {
    if (!this.#context.swarm.kinds.has('snapshot-rot')) return false
    this.kill('process')
    return true
  }

  /** Between two effects: is this the place to die? True: dead. */
  #boundary(living: () => boolean): boolean {
    if (!living()) return true
    if (this.#effectsLeft !== null && --this.#effectsLeft.count <= 0) {
      this.#context.struck('crash-at-effect')
      this.kill(this.#effectsLeft.how)
    }
    return !living()
  }
}
