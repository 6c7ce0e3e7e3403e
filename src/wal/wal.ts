/**
 * The write-ahead log: appends in memory, one sync for all that was appended before it (group commit). One writer,
 * one order. Any error of the disk is final: it is reported once, and nothing completes any more; what was promised
 * before it holds, nothing after it was.
 */
import { assert } from '../base/assert.js'
import { EMPTY } from '../base/bytes.js'
import type { Hasher } from '../base/sha256.js'
import type { File, FileError, FileSystem } from './file-system.js'
import {
  EMPTY_RECORD_BYTES,
  RECORD_BYTES_MAX,
  type RecordKind,
  recordBytes,
  SHAPE_BYTES_MAX,
  writeRecord,
} from './record.js'
import { ioError, type WalError } from './refusal.js'
import { Retention, type Segment } from './retention.js'
import { type Identity, SEGMENT_HEADER_BYTES, saltOf } from './segment-header.js'
import { capacityFor } from './segments.js'
import { type Piece, SegmentWriter, type Write } from './writer.js'

export interface WalOptions {
  readonly identity: Identity
  /** Length of a segment's file. A batch that does not fit gets a segment of its own size. */
  readonly segmentBytes: number
  readonly newHasher: () => Hasher
  /** Once, with the first error of the disk. The node must stop. */
  readonly onFailure: (error: WalError) => void
}

/** Since the log was opened; `segments`: there are now. */
export interface WalCounters {
  readonly syncs: number
  readonly bytes: number
  readonly segments: number
}

/** What is kept beside a batch's bytes. */
export interface BatchAbout {
  /** The highest log index in it; 0: none. */
  readonly lastIndex: number
  /** How the log looks behind the batch: all that is left to go by if a part of it is damaged. */
  readonly shape: Uint8Array
  /** Gives the State record if the batch begins a segment; called at once or never. */
  readonly stateRecord: () => Uint8Array
}

/** Where recovery found the end of the log. */
export interface Tail {
  readonly file: File
  readonly number: number
  readonly capacity: number
  readonly end: number
  readonly chain: number
  /** The segment opens with a State record already. */
  readonly opened: boolean
  /** Of the last record; null: there is none. */
  readonly lastKind: RecordKind | null
  /** Fed with the last segment up to `end`. */
  readonly hasher: Hasher
  readonly segments: readonly Segment[]
  /** The newest segment whose State record is intact; 0: none is. */
  readonly stateIn: number
  readonly lastBatch: number
  /** The highest log index in any batch that the log ever held, as far as it tells. */
  readonly highestIndex: number
  /** Behind the last batch; empty: it is not known. */
  readonly shape: Uint8Array
}

interface Sync {
  readonly batch: number
  readonly done: (batch: number) => void
}

const CHUNK_BYTES = 64 * 1024
/** A larger buffer is not kept for the next turn. */
const KEPT_BYTES_MAX = 1024 * 1024

export class Wal {
  readonly #options: WalOptions
  readonly #writer: SegmentWriter
  readonly #retention: Retention
  readonly #salt: number

  // Where appends go: ahead of what is written.
  #at: number
  #capacity: number
  #chain: number
  #opened: boolean
  #appendedBatch: number
  #lastKind: RecordKind | null
  #highestIndex: number
  /** For the next mark. */
  #shape: Uint8Array
  #queue: Write[] = []
  /** Buffers that were written, for the next chunks: while one is on its way to the disk the other is filled. */
  readonly #kept: Uint8Array[] = []

  #durableBatch: number
  /** On disk before anything that is queued now is written: the sync under way, if any, covers it. */
  #coveredBatch: number
  #syncs: Sync[] = []
  #busy = false
  #failed = false
  #closed = false
  #onClosed: (() => void) | null = null

  constructor(fs: FileSystem, dir: string, options: WalOptions, tail: Tail) {
    const onFailure = (error: FileError): void => this.#fail(error)
    const { identity, segmentBytes, newHasher } = options
    this.#options = options
    this.#salt = saltOf(identity)
    this.#at = tail.end
    this.#capacity = tail.capacity
    this.#chain = tail.chain
    this.#opened = tail.opened
    this.#appendedBatch = tail.lastBatch
    this.#lastKind = tail.lastKind
    this.#highestIndex = tail.highestIndex
    this.#shape = tail.shape
    this.#durableBatch = tail.lastBatch
    this.#coveredBatch = tail.lastBatch
    this.#retention = new Retention({ fs, dir, onFailure }, tail.segments, tail.stateIn)
    const writing = { fs, dir, identity, segmentBytes, newHasher, onFailure }
    this.#writer = new SegmentWriter(writing, tail)
  }

  get counters(): WalCounters {
    return { ...this.#writer.counters, segments: this.#retention.count }
  }

  /** The last batch appended; those of a new start go on behind it. */
  get lastBatch(): number {
    return this.#appendedBatch
  }

  get durableBatch(): number {
    return this.#durableBatch
  }

  /** Queues one batch, copied. */
  append(batch: number, payload: Uint8Array, about: BatchAbout): void {
    const { lastIndex, shape, stateRecord } = about
    assert(batch > this.#appendedBatch, 'batches only grow')
    assert(payload.length <= RECORD_BYTES_MAX, 'a batch is larger than a record may be')
    assert(shape.length <= SHAPE_BYTES_MAX, 'a shape is larger than the protocol promised')
    if (this.#failed || this.#closed) return
    // The batch, its shape, and the mark that may repeat it; a seal follows.
    const shapeBytes = recordBytes(shape.length)
    const size = recordBytes(payload.length) + 2 * shapeBytes + EMPTY_RECORD_BYTES
    if (!this.#opened || !this.#fits(size)) {
      const state = stateRecord()
      assert(state.length <= RECORD_BYTES_MAX, 'a State record is larger than a record may be')
      const needed = recordBytes(state.length) + size
      if (this.#opened || !this.#fits(needed)) this.#rotate(needed)
      this.#put('state', batch, this.#highestIndex, state)
      this.#retention.opens()
      this.#opened = true
    }
    this.#put('batch', batch, lastIndex, payload)
    this.#highestIndex = Math.max(this.#highestIndex, lastIndex)
    this.#put('shape', batch, this.#highestIndex, shape)
    this.#shape = shape.slice()
    this.#retention.appended(lastIndex)
    this.#appendedBatch = batch
  }

  /** Makes all that was appended before this call durable; calls back with the last batch covered, or never. */
  sync(done: (batch: number) => void): void {
    this.#syncs.push({ batch: this.#appendedBatch, done })
    this.#run()
  }

  /**
   * For an idle moment and before a clean end: a record which says that all before it is on disk. From then on a
   * change of any of it is told apart from an unfinished write. Does nothing, and calls back at once, while anything
   * is under way and where the last record says so already.
   */
  mark(done: () => void = () => {}): void {
    const idle = !this.#busy && this.#queue.length === 0 && this.#syncs.length === 0
    const due = this.#lastKind !== null && this.#lastKind !== 'mark'
    if (!idle || !due || this.#failed || this.#closed) return done()
    const size = recordBytes(this.#shape.length) + EMPTY_RECORD_BYTES
    assert(this.#fits(size), 'no room was kept for a mark')
    this.#put('mark', this.#appendedBatch, this.#highestIndex, this.#shape)
    this.sync(() => done())
  }

  /** Leading segments whose every entry is at or below `through` go, once a later State record is on disk. */
  release(through: number): void {
    if (!this.#failed && !this.#closed) this.#retention.release(through)
  }

  /** After the sync under way; what was appended since is not written. No file is touched after `done`. */
  close(done: () => void): void {
    this.#onClosed = done
    if (this.#busy && !this.#failed) return
    this.#shut()
  }

  #fits(size: number): boolean {
    return this.#at + size <= this.#capacity
  }

  #put(kind: RecordKind, batch: number, lastIndex: number, payload: Uint8Array): void {
    const size = recordBytes(payload.length)
    // The first of a turn is written when all turns before it are on disk, that of a segment when the one before is.
    const before = this.#queue.at(-1)
    const behindDurable = before === undefined || before.type === 'rotate'
    const chunk = this.#chunk(size)
    const place = { salt: this.#salt, segment: this.#retention.newest, offset: this.#at }
    this.#chain = writeRecord(chunk.bytes, chunk.length, place, {
      kind,
      batch,
      durableBatch: this.#coveredBatch,
      behindDurable,
      lastIndex,
      previousSum: this.#chain,
      payload,
    })
    chunk.length += size
    this.#at += size
    this.#lastKind = kind
  }

  /** The last piece of the queue, with room for so many more bytes. */
  #chunk(size: number): Piece {
    const last = this.#queue.at(-1)
    if (last?.type === 'bytes') {
      if (last.length + size > last.bytes.length) {
        const grown = new Uint8Array(Math.max(last.length + size, last.bytes.length * 2))
        grown.set(last.bytes.subarray(0, last.length))
        last.bytes = grown
      }
      return last
    }
    let bytes = this.#kept.pop()
    if (bytes === undefined || bytes.length < size)
      bytes = new Uint8Array(Math.max(size, CHUNK_BYTES))
    const chunk: Piece = { type: 'bytes', at: this.#at, bytes, length: 0 }
    this.#queue.push(chunk)
    return chunk
  }

  #rotate(recordsBytes: number): void {
    const old = this.#retention.newest
    const seal = new Uint8Array(EMPTY_RECORD_BYTES)
    const place = { salt: this.#salt, segment: old, offset: this.#at }
    writeRecord(seal, 0, place, {
      kind: 'seal',
      batch: this.#appendedBatch,
      // It is written when all before it is on disk.
      durableBatch: this.#appendedBatch,
      behindDurable: true,
      lastIndex: this.#highestIndex,
      previousSum: this.#chain,
      payload: EMPTY,
    })
    const capacity = capacityFor(this.#options.segmentBytes, recordsBytes)
    this.#queue.push({ type: 'rotate', number: old + 1, capacity, seal })
    this.#retention.begin(old + 1)
    this.#at = SEGMENT_HEADER_BYTES
    this.#capacity = capacity
    this.#opened = false
  }

  #run(): void {
    if (this.#busy || this.#syncs.length === 0 || this.#failed || this.#closed) return
    this.#busy = true
    const syncs = this.#syncs
    const queue = this.#queue
    const batch = this.#appendedBatch
    this.#coveredBatch = batch
    this.#syncs = []
    this.#queue = []
    this.#writer.write(queue, () => this.#writer.datasync(() => this.#synced(batch, syncs, queue)))
  }

  #synced(batch: number, syncs: readonly Sync[], written: readonly Write[]): void {
    this.#busy = false
    this.#durableBatch = batch
    const last = written.at(-1)
    if (last?.type === 'bytes' && last.bytes.length <= KEPT_BYTES_MAX && this.#kept.length < 2)
      this.#kept.push(last.bytes)
    // The first that is written to a segment is its State record, in the same turn as the rotation.
    if (written.length > 0) this.#retention.stateDurable(this.#writer.number)
    for (const sync of syncs) sync.done(sync.batch)
    if (this.#onClosed !== null) this.#shut()
    this.#run()
  }

  #shut(): void {
    this.#closed = true
    this.#retention.stop(() =>
      this.#writer.close(() => {
        const done = this.#onClosed
        this.#onClosed = null
        done?.()
      }),
    )
  }

  #fail(error: FileError): void {
    if (this.#failed || this.#closed) return
    this.#failed = true
    this.#syncs = []
    this.#queue = []
    this.#retention.stop(() => {})
    this.#writer.stop()
    this.#options.onFailure(ioError(error))
    if (this.#onClosed !== null) this.#shut()
  }
}
