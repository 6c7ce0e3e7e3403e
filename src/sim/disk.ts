/**
 * A simulated node's disk: the real log and the real snapshot files over a file system in memory that knows what was
 * synced. A killed process loses what it had not yet handed over; a power loss also loses, tears and reorders what
 * was written and not synced.
 */
import { nextInt, pick, type RandomState } from '../base/random.js'
import type { Hasher } from '../base/sha256.js'
import type { SnapshotMeta } from '../consensus/contract.js'
import type { TargetFile } from '../state-transfer/fetcher.js'
import { openFile, targetFile } from '../state-transfer/files.js'
import type { OpenFile } from '../state-transfer/shelf.js'
import { type DiskImage, MemoryFileSystem, type Operation } from '../wal/memory-file-system.js'
import { openWal } from '../wal/open.js'
import type { Identity } from '../wal/segment-header.js'
import { segmentNumber } from '../wal/segments.js'
import { snapshotIndex } from '../wal/snapshot-file.js'
import { type SnapshotFile, SnapshotStore } from '../wal/snapshot-store.js'
import type { Wal } from '../wal/wal.js'
import type { Atlas } from './atlas.js'
import { check } from './checkers/violation.js'
import { type Corruption, corrupt, flipBits } from './disk/corruption.js'
import { FakeHasher } from './disk/fake-hasher.js'
import { MediumFaults } from './disk/medium-faults.js'
import { type DurableSegment, damageable, durableRecords } from './disk/records.js'
import type { FaultKind } from './faults.js'
import type { World } from './world.js'

export type CrashKind = 'process' | 'power'

/** In the place of a stretch of the log that is damaged: how the log looked behind it. */
export interface LostStretch {
  readonly shape: Uint8Array
}

export interface OpenedDisk {
  readonly items: readonly (Uint8Array | LostStretch)[]
  readonly lastBatch: number
  readonly wal: Wal
  /** A torn tail was cut off. */
  readonly cut: boolean
}

export interface DiskOptions {
  readonly nodeId: string
  readonly syncMs: () => number
  /** Of any other call, beside the least that it takes. */
  readonly callMs?: () => number
  readonly segmentBytes: number
  readonly newSnapshotHasher: () => Hasher
  /** A call that was to fail has failed. */
  readonly onInjected: (kind: FaultKind) => void
  /** The log cannot be opened, and not for want of trying. */
  readonly onRefusal: (message: string) => void
  /** The log is broken for good: the process must end. */
  readonly onFailure: (message: string) => void
  /** Runs a completion when the process is awake. */
  readonly awake: (task: () => void) => void
}

const WAL_DIR = 'wal'
const SNAPSHOT_DIR = 'snap'
/** Everything but a sync: into the system's cache. */
const CALL_MS = 0.02

export class SimDisk {
  readonly #world: World
  readonly #options: DiskOptions
  readonly faults: MediumFaults
  readonly #fs: MemoryFileSystem
  readonly #identity: Identity
  readonly #snapshots: SnapshotStore
  /** What was durable for certain, over all lives. */
  #durableBatch = 0
  /** By batch: what was durable for certain when it was handed over. */
  readonly #vouchedBy = new Map<number, number>()
  /** Somebody has damaged it, in any of its lives. */
  #damaged = false
  /** One file at a time: two writers of one index would share its temporary name. */
  #writing = false
  #waiting: (() => void)[] = []
  /** The snapshot that this node is writing itself; and those that it fetches. */
  #writingIndex: number | null = null
  readonly #fetched = new Set<number>()
  #life = 0

  constructor(world: World, options: DiskOptions) {
    this.#world = world
    this.#options = options
    const { nodeId } = options
    this.#identity = { clusterId: 'sim', nodeId, uid: `uid-${nodeId}` }
    this.faults = new MediumFaults(() => world.now, options.onInjected)
    // Full before the call is made: a short write takes what there is, and only the next one is refused.
    let full = false
    this.#fs = new MemoryFileSystem({
      writes: (_path, length) => {
        full = this.faults.full
        return this.faults.takes(length)
      },
      fail: (operation) => {
        const isFull = operation === 'write' ? full : this.faults.full
        return this.faults.codeOf(operation, isFull)
      },
      failedSyncLoses: true,
      soon: (operation, _path, task) => {
        world.after(this.#latency(operation), () => options.awake(task))
        this.faults.called(operation)
      },
    })
    this.#snapshots = new SnapshotStore(this.#fs, SNAPSHOT_DIR, {
      newHasher: options.newSnapshotHasher,
      soon: (task) => world.after(CALL_MS, this.#ofThisLife(task)),
    })
  }

  open(done: (opened: OpenedDisk) => void): void {
    const { nodeId, segmentBytes } = this.#options
    const options = {
      identity: this.#identity,
      segmentBytes,
      newHasher: () => new FakeHasher(),
      onFailure: (error: Error) => this.#options.onFailure(error.message),
    }
    const life = this.#life
    openWal(this.#fs, WAL_DIR, options, (error, opened) => {
      if (life !== this.#life) return
      if (error?.refusal.code === 'WAL_IO') return this.#options.onFailure(error.message)
      if (error !== null || opened === null) return this.#options.onRefusal(String(error))
      const { wal, records, cut } = opened
      check(
        wal.lastBatch >= this.#durableBatch,
        'durable-batch',
        () =>
          `${nodeId}: batch ${this.#durableBatch} was synced, recovery ends at ${wal.lastBatch}`,
      )
      this.#durableBatch = wal.lastBatch
      // A failure of power alone leaves a torn end, and nothing to heal.
      check(
        this.#damaged || records.every((item) => item.kind !== 'lost'),
        'recovery',
        () => `${nodeId}: a stretch of the log is taken for damaged, and nobody has damaged it`,
      )
      const items = records.map((item) => (item.kind === 'lost' ? item : item.payload))
      done({ items, lastBatch: wal.lastBatch, wal, cut: cut !== null })
    })
  }

  /** What was done; null: nothing on it may be damaged. */
  corrupt(how: Corruption, atlas: Atlas, random: RandomState): string | null {
    const records = durableRecords(this.#segments(), this.#identity)
    const { nodeId } = this.#options
    const allowed = damageable(records, this.#durableBatch, this.#vouchedBy).filter((one) =>
      one.uncertain ? atlas.mayLoseAll(nodeId) : atlas.mayLose(nodeId, one.from, one.through),
    )
    if (allowed.length === 0) return null
    this.#damaged = true
    return corrupt(how, { fs: this.#fs, allowed, records }, random)
  }

  /** One that is whole and named; null: there is none, or it may not be lost. */
  corruptSnapshot(atlas: Atlas, random: RandomState): string | null {
    if (!atlas.mayLoseAll(this.#options.nodeId)) return null
    const paths = this.#fs.paths().filter((path) => snapshotIndex(nameOf(path)) !== null)
    if (paths.length === 0) return null
    const path = pick(random, paths)
    const size = this.#fs.content(path)?.length ?? 0
    if (size === 0) return null
    flipBits(this.#fs, { path, at: 0, size }, random)
    return `${path} rots`
  }

  /** Some sectors of one segment cannot be read until they are written again, or the medium is mended. */
  spoil(random: RandomState): string | null {
    const segments = this.#segments()
    if (segments.length === 0) return null
    const { path, bytes } = pick(random, segments)
    const at = nextInt(random, 0, Math.max(0, bytes.length - 1))
    return this.#fs.spoil(path, at, 1) ? `${path} cannot be read at ${at}` : null
  }

  mend(): void {
    this.#fs.mend()
  }

  /** For a backup: what is durable now. */
  image(): DiskImage {
    return this.#fs.snapshotImage()
  }

  /** An old backup in the place of what has come since; nothing that was promised since is held against it. */
  restoreImage(image: DiskImage): void {
    this.#fs.restoreImage(image)
    this.#durableBatch = 0
  }

  wipe(): void {
    this.#fs.wipe()
    this.#durableBatch = 0
  }

  #segments(): DurableSegment[] {
    return this.#fs
      .paths()
      .flatMap((path) => {
        const number = segmentNumber(nameOf(path))
        const bytes = number === null ? null : this.#fs.durableContent(path)
        return number === null || bytes === null ? [] : [{ path, number, bytes }]
      })
      .sort((a, b) => a.number - b.number)
  }

  /** It is handed over now: its record will vouch for what is durable by now. */
  appended(batch: number): void {
    this.#vouchedBy.set(batch, this.#durableBatch)
  }

  synced(batch: number): void {
    this.#durableBatch = Math.max(this.#durableBatch, batch)
  }

  crash(how: CrashKind): void {
    this.#life++
    this.#writing = false
    this.#waiting = []
    this.#writingIndex = null
    this.#fetched.clear()
    if (how === 'power') this.#fs.crash(this.#world.random)
    else this.#fs.kill()
  }

  writeSnapshot(
    index: number,
    chunks: Iterable<Uint8Array>,
    done: (written: SnapshotFile | null) => void,
  ): void {
    this.#oneByOne((finished) => {
      const end = (written: SnapshotFile | null) => {
        this.#writingIndex = null
        finished()
        done(written)
      }
      if (this.#fetched.has(index))
        return this.#world.after(
          CALL_MS,
          this.#ofThisLife(() => end(null)),
        )
      this.#writingIndex = index
      this.#snapshots.write(index, chunks, (error, written) => end(error === null ? written : null))
    })
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

  /** For a snapshot that is fetched in parts; null: not now, or not on this disk. */
  openTarget(meta: SnapshotMeta, done: (file: TargetFile | null) => void): void {
    if (this.#fetched.has(meta.index) || this.#writingIndex === meta.index)
      return this.#world.after(
        CALL_MS,
        this.#ofThisLife(() => done(null)),
      )
    this.#fetched.add(meta.index)
    const over = this.#ofThisLife(() => this.#fetched.delete(meta.index))
    this.#snapshots.receive(meta.index, (_error, receiving) => {
      if (receiving === null) over()
      done(receiving === null ? null : targetFile(receiving, meta, { failed: () => {}, over }))
    })
  }

  /** To give out parts of it; null: it is not there any more. */
  openSnapshot(index: number, done: (file: OpenFile | null) => void): void {
    this.#snapshots.openToSend(index, (_error, reader) =>
      done(reader === null ? null : openFile(reader, () => {})),
    )
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
    const { syncMs, callMs } = this.#options
    const synchronous = operation === 'datasync' || operation === 'syncDirectory'
    const meanMs = synchronous ? syncMs() : (callMs?.() ?? 0)
    const ms = CALL_MS + (meanMs > 0 ? this.#world.exponential(meanMs) : 0)
    return Math.max(ms, this.faults.stallMs())
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
