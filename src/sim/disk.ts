/**
 * A simulated node's disk: the real log and the real snapshot files over a file system in memory that knows what was
 * synced. A killed process loses what it had not yet handed over; a power loss also loses, tears and reorders what
 * was written and not synced.
 */
import { crc32c } from '../base/crc32c.js'
import type { Hasher } from '../base/sha256.js'
import type { SnapshotMeta } from '../consensus/contract.js'
import type { Operation } from '../wal/memory-file-system.js'
import { MemoryFileSystem } from '../wal/memory-file-system.js'
import { openWal } from '../wal/open.js'
import { type SnapshotFile, SnapshotStore } from '../wal/snapshot-store.js'
import type { Wal } from '../wal/wal.js'
import { check, Violation } from './checkers/violation.js'
import type { World } from './world.js'

export type CrashKind = 'process' | 'power'

export interface OpenedDisk {
  readonly payloads: readonly Uint8Array[]
  readonly lastBatch: number
  readonly wal: Wal
  /** A torn tail was cut off. */
  readonly cut: boolean
}

export interface DiskOptions {
  readonly nodeId: string
  readonly syncMs: () => number
  readonly segmentBytes: number
  /** A call that was to fail has failed. */
  readonly onInjected: () => void
  /** The log is broken for good: the process must end. */
  readonly onFailure: (message: string) => void
  /** Runs a completion when the process is awake. */
  readonly awake: (task: () => void) => void
}

const WAL_DIR = 'wal'
const SNAPSHOT_DIR = 'snap'
/** Everything but a sync: into the system's cache. */
const CALL_MS = 0.02

/** Stands in for SHA-256 where nobody lies: a tenth of a run would go into it. */
class FakeHasher implements Hasher {
  #sum = 0

  update(bytes: Uint8Array): void {
    this.#sum = crc32c(bytes, this.#sum)
  }

  digest(): Uint8Array {
    const out = new Uint8Array(32)
    for (let i = 0; i < 4; i++) out[i] = this.#sum >>> (8 * i)
    return out
  }
}

export class SimDisk {
  readonly #world: World
  readonly #options: DiskOptions
  readonly #fs: MemoryFileSystem
  readonly #snapshots: SnapshotStore
  /** What was durable for certain, over all lives. */
  #durableBatch = 0
  /** One file at a time: two writers of one index would share its temporary name. */
  #writing = false
  #waiting: (() => void)[] = []
  #life = 0
  /** Calls left until one fails; null: none will. */
  #callsLeft: number | null = null

  constructor(world: World, options: DiskOptions) {
    this.#world = world
    this.#options = options
    this.#fs = new MemoryFileSystem({
      fail: () => this.#fails(),
      soon: (operation, _path, task) =>
        world.after(this.#latency(operation), () => options.awake(task)),
    })
    this.#snapshots = new SnapshotStore(this.#fs, SNAPSHOT_DIR, {
      newHasher: () => new FakeHasher(),
      soon: (task) => world.after(CALL_MS, this.#ofThisLife(task)),
    })
  }

  open(done: (opened: OpenedDisk) => void): void {
    const { nodeId, segmentBytes } = this.#options
    const options = {
      identity: { clusterId: 'sim', nodeId, uid: `uid-${nodeId}` },
      segmentBytes,
      newHasher: () => new FakeHasher(),
      onFailure: (error: Error) => this.#options.onFailure(error.message),
    }
    const life = this.#life
    openWal(this.#fs, WAL_DIR, options, (error, opened) => {
      if (life !== this.#life) return
      if (error?.refusal.code === 'WAL_IO') return this.#options.onFailure(error.message)
      if (error !== null || opened === null) throw new Violation('recovery', String(error))
      const { wal, records, cut, damage } = opened
      if (damage !== null) throw new Violation('recovery', String(damage.error))
      check(
        wal.lastBatch >= this.#durableBatch,
        'durable-batch',
        () =>
          `${nodeId}: batch ${this.#durableBatch} was synced, recovery ends at ${wal.lastBatch}`,
      )
      this.#durableBatch = wal.lastBatch
      const payloads = records.flatMap((item) => (item.kind === 'lost' ? [] : [item.payload]))
      done({ payloads, lastBatch: wal.lastBatch, wal, cut: cut !== null })
    })
  }

  /** The n-th call from now fails; null: none. */
  breakAfter(calls: number | null): void {
    this.#callsLeft = calls
  }

  get willFail(): boolean {
    return this.#callsLeft !== null
  }

  synced(batch: number): void {
    this.#durableBatch = Math.max(this.#durableBatch, batch)
  }

  crash(how: CrashKind): void {
    this.#life++
    this.#writing = false
    this.#waiting = []
    if (how === 'power') this.#fs.crash(this.#world.random)
    else this.#fs.kill()
  }

  writeSnapshot(
    index: number,
    chunks: Iterable<Uint8Array>,
    done: (written: SnapshotFile | null) => void,
  ): void {
    this.#oneByOne((finished) =>
      this.#snapshots.write(index, chunks, (error, written) => {
        finished()
        done(error === null ? written : null)
      }),
    )
  }

  /** A peer's, in pieces. `wanted` is asked when its turn comes; `done` tells whether it is on disk, the very one. */
  receiveSnapshot(
    meta: SnapshotMeta,
    pieces: readonly Uint8Array[],
    wanted: () => boolean,
    done: (written: boolean) => void,
  ): void {
    this.#oneByOne((finished) => {
      const end = (written: boolean) => {
        finished()
        done(written)
      }
      if (!wanted()) return end(false)
      this.#snapshots.receive(meta.index, (error, receiving) => {
        if (error !== null || receiving === null) return end(false)
        const next = (at: number): void => {
          const piece = pieces[at]
          if (piece === undefined) return receiving.finish(meta, (failed) => end(failed === null))
          receiving.write(piece, (failed) => (failed === null ? next(at + 1) : end(false)))
        }
        next(0)
      })
    })
  }

  /** Null when there is no such file any more, or another one under its name. */
  readSnapshot(meta: SnapshotMeta, done: (pieces: readonly Uint8Array[] | null) => void): void {
    this.#snapshots.read(meta, (error, pieces) => {
      if (error?.code === 'EIO') this.#options.onFailure(error.message)
      else done(error === null ? pieces : null)
    })
  }

  /** Of older ones nothing on the disk speaks any more. */
  dropSnapshotsBelow(index: number): void {
    this.#snapshots.removeBelow(index, () => {})
  }

  #fails(): string | null {
    if (this.#callsLeft === null || --this.#callsLeft > 0) return null
    this.#callsLeft = null
    this.#options.onInjected()
    return 'EIO'
  }

  #oneByOne(job: (finished: () => void) => void): void {
    this.#waiting.push(() => job(this.#ofThisLife(() => this.#nextJob())))
    if (!this.#writing) this.#nextJob()
  }

  #nextJob(): void {
    const job = this.#waiting.shift()
    this.#writing = job !== undefined
    job?.()
  }

  #ofThisLife(task: () => void): () => void {
    const life = this.#life
    return () => {
      if (life === this.#life) task()
    }
  }

  #latency(operation: Operation): number {
    const synchronous = operation === 'datasync' || operation === 'syncDirectory'
    return synchronous ? CALL_MS + this.#world.exponential(this.#options.syncMs()) : CALL_MS
  }
}
