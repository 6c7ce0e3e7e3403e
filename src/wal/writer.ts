/**
 * The side of the log that touches its newest file: pieces and rotations in the order they were queued. A segment is
 * synced whole before the next one exists, so that only the last one can ever be torn; the next one's zeros are
 * written ahead of need. The first error is reported once; after it, or after `close`, no continuation runs and no
 * further byte is written.
 */
import type { Hasher } from '../base/sha256.js'
import { type Done, type File, type FileError, type FileSystem, writeAll } from './file-system.js'
import { FORMAT_VERSION, type Identity, SEGMENT_HEADER_BYTES } from './segment-header.js'
import { adoptSpare, createSpare } from './segments.js'

export interface Piece {
  readonly type: 'bytes'
  /** Offset in the segment that is newest when its turn comes. */
  readonly at: number
  bytes: Uint8Array
  /** Used of `bytes`. */
  length: number
}

/** The segment ends where it is; the next one begins. */
export interface Rotation {
  readonly type: 'rotate'
  readonly number: number
  readonly capacity: number
  /** Written behind the old segment's end once the new one is on disk. */
  readonly seal: Uint8Array
}

export type Write = Piece | Rotation

export interface WriterOptions {
  readonly fs: FileSystem
  readonly dir: string
  readonly identity: Identity
  readonly segmentBytes: number
  readonly newHasher: () => Hasher
  readonly onFailure: (error: FileError) => void
}

export interface WriterTail {
  readonly file: File
  readonly number: number
  readonly end: number
  /** Fed with the segment up to `end`. */
  readonly hasher: Hasher
}

export class SegmentWriter {
  readonly counters: { syncs: number; bytes: number } = { syncs: 0, bytes: 0 }
  readonly #options: WriterOptions
  #file: File
  #number: number
  #end: number
  #hasher: Hasher
  #spare: File | null = null
  /** One file name, one maker at a time. */
  #making = false
  #onMade: (() => void) | null = null
  /** Calls under way, the maker's aside. */
  #pending = 0
  #onQuiet: (() => void) | null = null
  #stopped = false

  constructor(options: WriterOptions, tail: WriterTail) {
    this.#options = options
    this.#file = tail.file
    this.#number = tail.number
    this.#end = tail.end
    this.#hasher = tail.hasher
    this.#prepareSpare()
  }

  /** The segment that is written now. */
  get number(): number {
    return this.#number
  }

  /** All of them are in the system's cache, not yet on disk. */
  write(writes: readonly Write[], done: () => void): void {
    this.#write(writes, 0, done)
  }

  datasync(done: () => void): void {
    this.#sync(this.#file, done)
  }

  /** What is under way ends, and nothing follows it. */
  stop(): void {
    this.#stopped = true
  }

  /** Stops; calls back when every call has returned and every handle is closed: another may take over the files. */
  close(done: () => void): void {
    this.#stopped = true
    if (this.#making || this.#pending > 0) {
      this.#onQuiet = () => this.close(done)
      return
    }
    const spare = this.#spare
    this.#spare = null
    this.#file.close(() => {
      if (spare === null) done()
      else spare.close(() => done())
    })
  }

  #write(writes: readonly Write[], i: number, done: () => void): void {
    const write = writes[i]
    if (write === undefined) return done()
    const next = (): void => this.#write(writes, i + 1, done)
    if (write.type === 'rotate') return this.#rotate(write, next)
    const bytes = write.bytes.subarray(0, write.length)
    this.#hasher.update(bytes)
    this.counters.bytes += bytes.length
    const then = this.#then(() => {
      this.#end = write.at + bytes.length
      next()
    })
    writeAll(this.#file, write.at, bytes, then)
  }

  #rotate(rotation: Rotation, done: () => void): void {
    const { fs, dir, identity, newHasher } = this.#options
    const old = this.#file
    this.#sync(old, () =>
      this.#takeSpare(rotation.capacity, (spare) => {
        const header = {
          version: FORMAT_VERSION,
          number: rotation.number,
          identity,
          previousHash: this.#hasher.digest(),
          previousEnd: this.#end,
          capacity: rotation.capacity,
        }
        const then = (next: () => void): Done<unknown> => this.#then(next)
        adoptSpare({ fs, dir, then }, spare, header, (written) =>
          this.#seal(old, rotation.seal, () => {
            this.#file = spare
            this.#number = rotation.number
            this.#hasher = newHasher()
            this.#hasher.update(written)
            this.#end = SEGMENT_HEADER_BYTES
            this.#prepareSpare()
            done()
          }),
        )
      }),
    )
  }

  /** From now on a loss of the new segment is noticed. It lies behind the part that the new one's hash covers. */
  #seal(old: File, seal: Uint8Array, done: () => void): void {
    const synced = (): void =>
      this.#sync(old, () => {
        old.close(() => {})
        done()
      })
    writeAll(old, this.#end, seal, this.#then(synced))
  }

  #takeSpare(capacity: number, done: (spare: File) => void): void {
    if (this.#making) {
      this.#onMade = () => this.#takeSpare(capacity, done)
      return
    }
    const spare = this.#spare
    this.#spare = null
    if (spare !== null && capacity === this.#options.segmentBytes) return done(spare)
    const make = (): void => this.#makeSpare(capacity, done)
    if (spare === null) make()
    else spare.close(() => make())
  }

  /** Ahead of need, so that a rotation costs some syncs and not the writing of a whole segment. */
  #prepareSpare(): void {
    this.#makeSpare(this.#options.segmentBytes, (spare) => {
      this.#spare = spare
    })
  }

  #makeSpare(size: number, done: (spare: File) => void): void {
    const { fs, dir } = this.#options
    this.#making = true
    createSpare(fs, dir, { size, wanted: () => !this.#stopped }, (error, spare) => {
      this.#making = false
      if (this.#stopped) this.#spare = spare
      else if (error !== null) this.#fail(error)
      else if (spare !== null) done(spare)
      const waiting = this.#onMade
      this.#onMade = null
      if (!this.#stopped) waiting?.()
      this.#checkQuiet()
    })
  }

  #checkQuiet(): void {
    if (this.#making || this.#pending > 0) return
    const quiet = this.#onQuiet
    this.#onQuiet = null
    quiet?.()
  }

  #sync(file: File, done: () => void): void {
    this.counters.syncs++
    file.datasync(this.#then(done))
  }

  /** The continuation of a call that is made now. */
  #then(next: () => void): Done<unknown> {
    this.#pending++
    return (error) => {
      this.#pending--
      if (this.#stopped) return this.#checkQuiet()
      if (error !== null) this.#fail(error)
      else next()
    }
  }

  /** Never again: a failed sync may have dropped what it was asked to keep, and a retry would not tell. */
  #fail(error: FileError): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#options.onFailure(error)
  }
}
