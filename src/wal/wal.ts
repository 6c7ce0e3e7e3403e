/**
 * The write-ahead log: appends in memory, one sync for all that was appended before it (group commit). One writer,
 * one order. Any error of the disk is final: it is reported once, and nothing completes any more; what was promised
 * before it holds, nothing after it was.
 */
import { assert, present } from '../base/assert.js'
import type { Hasher } from '../base/sha256.js'
import { type File, type FileError, type FileSystem, writeAll } from './file-system.js'
import {
  FORMAT_VERSION,
  type Identity,
  RECORD_BYTES_MAX,
  type RecordKind,
  recordBytes,
  SEGMENT_HEADER_BYTES,
  writeRecord,
} from './format.js'
import { ioError, type WalError } from './refusal.js'
import { adoptSpare, capacityFor, createSpare, removeSegments } from './segments.js'

export interface WalOptions {
  readonly identity: Identity
  readonly segmentBytes: number
  readonly newHasher: () => Hasher
  /** Once, with the first error of the disk. The node must stop. */
  readonly onFailure: (error: WalError) => void
}

export interface WalCounters {
  syncs: number
  bytes: number
  segments: number
}

/** A segment that exists, or will when its turn in the queue comes. */
interface Segment {
  readonly number: number
  lastIndex: number
}

type Write =
  | { readonly type: 'bytes'; readonly at: number; bytes: Uint8Array; length: number }
  /** The segment ends; the next one begins, with room for at least so many bytes of records. */
  | { readonly type: 'rotate'; readonly number: number; readonly capacity: number }

interface Sync {
  readonly batch: number
  readonly done: ((batch: number) => void) | null
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
  readonly hasher: Hasher
  readonly segments: readonly Segment[]
  readonly lastBatch: number
}

const CHUNK_BYTES = 64 * 1024

export class Wal {
  readonly counters: WalCounters = { syncs: 0, bytes: 0, segments: 0 }
  readonly #fs: FileSystem
  readonly #dir: string
  readonly #options: WalOptions

  // Where appends go: ahead of what is written.
  #segments: Segment[]
  #at: number
  #capacity: number
  #chain: number
  #opened: boolean
  #appendedBatch: number
  #lastKind: RecordKind | null
  #queue: Write[] = []

  // What is written and synced.
  #file: File
  #fileNumber: number
  #hasher: Hasher
  #writtenEnd: number
  #durableBatch: number
  #spare: File | null = null
  #spareDue = false
  #syncs: Sync[] = []
  #busy = false
  #removing = false
  #failed = false
  #closed = false

  constructor(fs: FileSystem, dir: string, options: WalOptions, tail: Tail) {
    this.#fs = fs
    this.#dir = dir
    this.#options = options
    this.#segments = [...tail.segments]
    this.#at = tail.end
    this.#capacity = tail.capacity
    this.#chain = tail.chain
    this.#opened = tail.opened
    this.#appendedBatch = tail.lastBatch
    this.#lastKind = tail.lastKind
    this.#file = tail.file
    this.#fileNumber = tail.number
    this.#hasher = tail.hasher
    this.#writtenEnd = tail.end
    this.#durableBatch = tail.lastBatch
    this.counters.segments = tail.segments.length
    this.#prepareSpare()
  }

  /** The last batch appended; those of a new start go on behind it. */
  get lastBatch(): number {
    return this.#appendedBatch
  }

  get durableBatch(): number {
    return this.#durableBatch
  }

  append(
    batch: number,
    payload: Uint8Array,
    lastIndex: number,
    stateRecord: () => Uint8Array,
  ): void {
    assert(batch > this.#appendedBatch, 'batches only grow')
    assert(payload.length <= RECORD_BYTES_MAX, 'a batch is larger than a record may be')
    if (this.#failed || this.#closed) return
    const size = recordBytes(payload.length)
    if (!this.#opened || this.#at + size > this.#capacity) {
      const state = stateRecord()
      const needed = recordBytes(state.length) + size
      if (this.#opened || this.#at + needed > this.#capacity) this.#rotate(needed)
      this.#put('state', { batch, lastIndex: 0, payload: state })
      this.#opened = true
    }
    this.#put('batch', { batch, lastIndex, payload })
    const segment = present(this.#segments.at(-1))
    segment.lastIndex = Math.max(segment.lastIndex, lastIndex)
    this.#appendedBatch = batch
  }

  sync(done: (batch: number) => void): void {
    this.#syncs.push({ batch: this.#appendedBatch, done })
    this.#run()
  }

  /**
   * For an idle moment and before a clean end: a record which says that all before it is on disk. From then on a
   * change of any of it is told apart from an unfinished write. Does nothing while anything is under way.
   */
  mark(done: () => void = () => {}): void {
    const idle = !this.#busy && this.#queue.length === 0 && this.#syncs.length === 0
    const nothingToSay = this.#lastKind !== 'state' && this.#lastKind !== 'batch'
    const fits = this.#at + recordBytes(0) <= this.#capacity
    if (!idle || nothingToSay || !fits || this.#failed || this.#closed) return done()
    this.#put('mark', {
      batch: this.#appendedBatch,
      lastIndex: 0,
      payload: new Uint8Array(0),
    })
    this.#syncs.push({ batch: this.#appendedBatch, done })
    this.#run()
  }

  /** Leading segments whose every entry is at or below `through` go; the newest stays. */
  release(through: number): void {
    if (this.#failed || this.#closed || this.#removing) return
    const gone: number[] = []
    const newest = this.#segments.length - 1
    for (const [i, segment] of this.#segments.entries()) {
      // The segment being written, and those whose turn in the queue is still to come, stay.
      if (i === newest || segment.number >= this.#fileNumber) break
      if (segment.lastIndex > through) break
      gone.push(segment.number)
    }
    if (gone.length === 0) return
    this.#segments = this.#segments.slice(gone.length)
    this.counters.segments = this.#segments.length
    this.#removing = true
    removeSegments(this.#fs, this.#dir, gone, (error) => {
      this.#removing = false
      if (error !== null) this.#fail(error)
    })
  }

  /** After the last sync; what was appended since is not written. */
  close(done: () => void): void {
    if (this.#busy) {
      this.#syncs.push({ batch: this.#appendedBatch, done: () => this.close(done) })
      return
    }
    this.#closed = true
    this.#file.close(() => done())
  }

  #put(
    kind: RecordKind,
    record: { readonly batch: number; readonly lastIndex: number; readonly payload: Uint8Array },
  ): void {
    const size = recordBytes(record.payload.length)
    const chunk = this.#chunk(size)
    const place = { segment: present(this.#segments.at(-1)).number, offset: this.#at }
    this.#chain = writeRecord(chunk.bytes, chunk.length, place, {
      kind,
      ...record,
      durableBatch: kind === 'mark' ? record.batch : this.#durableBatch,
      previousSum: this.#chain,
    })
    chunk.length += size
    this.#at += size
    this.#lastKind = kind
  }

  /** The last piece of the queue, with room for so many more bytes. */
  #chunk(size: number): Extract<Write, { type: 'bytes' }> {
    const last = this.#queue.at(-1)
    if (last?.type === 'bytes') {
      if (last.length + size > last.bytes.length) {
        const grown = new Uint8Array(Math.max(last.length + size, last.bytes.length * 2))
        grown.set(last.bytes.subarray(0, last.length))
        last.bytes = grown
      }
      return last
    }
    const bytes = new Uint8Array(Math.max(size, Math.min(CHUNK_BYTES, this.#capacity)))
    const chunk = { type: 'bytes' as const, at: this.#at, bytes, length: 0 }
    this.#queue.push(chunk)
    return chunk
  }

  #rotate(recordsBytes: number): void {
    const number = present(this.#segments.at(-1)).number + 1
    const capacity = capacityFor(this.#options.segmentBytes, recordsBytes)
    this.#queue.push({ type: 'rotate', number, capacity })
    this.#segments.push({ number, lastIndex: 0 })
    this.counters.segments = this.#segments.length
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
    this.#syncs = []
    this.#queue = []
    this.#write(queue, 0, () =>
      this.#datasync(() => {
        this.#busy = false
        this.#durableBatch = batch
        for (const sync of syncs) sync.done?.(sync.batch)
        this.#run()
      }),
    )
  }

  #write(queue: readonly Write[], i: number, done: () => void): void {
    const write = queue[i]
    if (write === undefined) return done()
    const next = (): void => this.#write(queue, i + 1, done)
    if (write.type === 'rotate') return this.#beginSegment(write, next)
    const bytes = write.bytes.subarray(0, write.length)
    this.#hasher.update(bytes)
    this.counters.bytes += bytes.length
    writeAll(this.#file, write.at, bytes, (error) => {
      if (error !== null) return this.#fail(error)
      this.#writtenEnd = write.at + bytes.length
      next()
    })
  }

  /** The old segment is synced whole before the new one exists: only the last one can ever be torn. */
  #beginSegment(rotate: { number: number; capacity: number }, done: () => void): void {
    const header = {
      version: FORMAT_VERSION,
      number: rotate.number,
      identity: this.#options.identity,
      previousHash: this.#hasher.digest(),
      previousEnd: this.#writtenEnd,
    }
    this.#datasync(() => {
      this.#takeSpare(rotate.capacity, (spare) =>
        adoptSpare(this.#fs, this.#dir, spare, header, (error, written) => {
          if (error !== null) return this.#fail(error)
          this.#file.close(() => {})
          this.#file = spare
          this.#fileNumber = rotate.number
          this.#hasher = this.#options.newHasher()
          this.#hasher.update(written)
          this.#writtenEnd = SEGMENT_HEADER_BYTES
          this.#prepareSpare()
          done()
        }),
      )
    })
  }

  #takeSpare(capacity: number, done: (spare: File) => void): void {
    if (this.#spare !== null && capacity <= this.#options.segmentBytes) {
      const spare = this.#spare
      this.#spare = null
      return done(spare)
    }
    if (this.#spareDue) {
      // One is being written; there is one name for it.
      this.#onSpare = () => this.#takeSpare(capacity, done)
      return
    }
    this.#spare = null
    createSpare(this.#fs, this.#dir, capacity, (error, spare) => {
      if (error !== null) this.#fail(error)
      else done(present(spare))
    })
  }

  #onSpare: (() => void) | null = null

  /** Ahead of need, so that a rotation costs some syncs and not the writing of a whole segment. */
  #prepareSpare(): void {
    if (this.#spareDue || this.#spare !== null) return
    this.#spareDue = true
    createSpare(this.#fs, this.#dir, this.#options.segmentBytes, (error, spare) => {
      this.#spareDue = false
      if (error !== null) return this.#fail(error)
      this.#spare = spare
      const waiting = this.#onSpare
      this.#onSpare = null
      waiting?.()
    })
  }

  #datasync(done: () => void): void {
    this.counters.syncs++
    this.#file.datasync((error) => {
      if (error !== null) this.#fail(error)
      else done()
    })
  }

  /** Never again: a failed sync may have dropped what it was asked to keep, and a retry would not tell. */
  #fail(error: FileError): void {
    if (this.#failed || this.#closed) return
    this.#failed = true
    this.#syncs = []
    this.#queue = []
    this.#options.onFailure(ioError(error))
  }
}
