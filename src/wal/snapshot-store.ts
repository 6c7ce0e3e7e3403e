/**
 * Snapshots as files. A snapshot is written beside its name, synced, read back, renamed, and the directory synced;
 * only then may a record of the log speak of it. Its digest is in that record, so a file is believed only if it is
 * the very one.
 */
import { toHex } from '../base/bytes.js'
import { crc32c } from '../base/crc32c.js'
import type { Hasher } from '../base/sha256.js'
import { type Done, type File, type FileError, type FileSystem, writeAll } from './file-system.js'
import {
  isUnfinished,
  PIECE_BYTES,
  PieceSums,
  SNAPSHOT_HEADER_BYTES,
  type SnapshotFile,
  snapshotIndex,
  snapshotName,
  writeSnapshotHeader,
} from './snapshot-file.js'
import { corruptSnapshot, SnapshotReader } from './snapshot-reader.js'

export type { SnapshotFile } from './snapshot-file.js'

export interface SnapshotStoreOptions {
  readonly newHasher: () => Hasher
  /** Between two pieces, so that writing a large snapshot never holds up the node. */
  readonly soon: (task: () => void) => void
}

export class SnapshotStore {
  readonly #fs: FileSystem
  readonly #dir: string
  /** Begun, in this life. */
  #received = 0
  readonly #options: SnapshotStoreOptions

  constructor(fs: FileSystem, dir: string, options: SnapshotStoreOptions) {
    this.#fs = fs
    this.#dir = dir
    this.#options = options
  }

  /** Indices of the snapshots on disk, newest first. */
  list(done: Done<number[]>): void {
    this.#fs.list(this.#dir, (error, names) => {
      if (error !== null || names === null) return done(error, null)
      const indices = names.map(snapshotIndex).filter((index) => index !== null)
      indices.sort((a, b) => b - a)
      done(null, indices)
    })
  }

  /** Pulls the chunks one by one. Durable and read back when it calls back. */
  write(index: number, chunks: Iterable<Uint8Array>, done: Done<SnapshotFile>): void {
    this.receive(index, (error, receiving) => {
      if (error !== null || receiving === null) return done(error, null)
      const iterator = chunks[Symbol.iterator]()
      const next = (): void => {
        const pulled = iterator.next()
        if (pulled.done === true) return receiving.finish(null, done)
        receiving.write(pulled.value, (failed) => {
          if (failed === null) return this.#options.soon(next)
          iterator.return?.()
          receiving.abort()
          done(failed, null)
        })
      }
      next()
    })
  }

  /** A snapshot that arrives in pieces, in order. Nothing has its name before `finish` calls back. */
  receive(index: number, done: Done<Receiving>): void {
    // A name of its own: the removal of one that was given up may still be under way.
    const path = `${this.#dir}/${snapshotName(index)}.${++this.#received}.tmp`
    this.#fs.open(path, 'create', (error, file) => {
      if (error !== null || file === null) return done(error, null)
      const target = { fs: this.#fs, dir: this.#dir, path, index }
      done(null, new Receiving(file, target, this.#options))
    })
  }

  /** All of the content in pieces, once the whole of it was found to be the one described. */
  read(snapshot: SnapshotFile, done: Done<Uint8Array[]>): void {
    SnapshotReader.open(this.#fs, this.#dir, snapshot.index, (error, reader) => {
      if (error !== null || reader === null) return done(error, null)
      const hasher = this.#options.newHasher()
      const pieces: Uint8Array[] = []
      const end = (failed: FileError | null): void =>
        reader.close(() => done(failed, failed === null ? pieces : null))
      const refuse = (problem: string): void =>
        end(corruptSnapshot(`${this.#dir}/${snapshotName(snapshot.index)}`, 0, problem))
      const next = (at: number): void => {
        if (at >= snapshot.bytes) {
          if (toHex(hasher.digest()) === snapshot.digest) return end(null)
          return refuse('the content is not the one that the log vouches for')
        }
        reader.readAt(at, PIECE_BYTES, (unread, piece) => {
          if (unread !== null || piece === null) return end(unread)
          hasher.update(piece)
          pieces.push(piece)
          this.#options.soon(() => next(at + piece.length))
        })
      }
      if (reader.snapshot.bytes === snapshot.bytes) next(0)
      else refuse(`it holds ${reader.snapshot.bytes} bytes, and the log says ${snapshot.bytes}`)
    })
  }

  /** A file to send from, each part verified before it is handed out. Close it in the end. */
  openToSend(index: number, done: Done<SnapshotReader>): void {
    SnapshotReader.open(this.#fs, this.#dir, index, done)
  }

  /** Removes every snapshot older than `index`. */
  removeBelow(index: number, done: Done<void>): void {
    this.#removeIf((name) => (snapshotIndex(name) ?? index) < index, done)
  }

  /** What unfinished ones left. For a start, while none is being written. */
  removeUnfinished(done: Done<void>): void {
    this.#removeIf(isUnfinished, done)
  }

  #removeIf(unwanted: (name: string) => boolean, done: Done<void>): void {
    this.#fs.list(this.#dir, (error, names) => {
      if (error !== null || names === null) return done(error, null)
      this.#remove(names.filter(unwanted), done)
    })
  }

  #remove(names: readonly string[], done: Done<void>): void {
    const [first, ...rest] = names
    if (first === undefined) return this.#fs.syncDirectory(this.#dir, done)
    this.#fs.unlink(`${this.#dir}/${first}`, (error) => {
      if (error !== null && error.code !== 'ENOENT') return done(error, null)
      this.#remove(rest, done)
    })
  }
}

interface Target {
  readonly fs: FileSystem
  readonly dir: string
  readonly path: string
  readonly index: number
}

export class Receiving {
  readonly #file: File
  readonly #target: Target
  readonly #options: SnapshotStoreOptions
  readonly #hasher: Hasher
  readonly #sums = new PieceSums()
  #bytes = 0

  constructor(file: File, target: Target, options: SnapshotStoreOptions) {
    this.#file = file
    this.#target = target
    this.#options = options
    this.#hasher = options.newHasher()
  }

  /** Content bytes so far. */
  get bytes(): number {
    return this.#bytes
  }

  write(piece: Uint8Array, done: Done<void>): void {
    const at = SNAPSHOT_HEADER_BYTES + this.#bytes
    this.#hasher.update(piece)
    this.#sums.update(piece)
    this.#bytes += piece.length
    writeAll(this.#file, at, piece, done)
  }

  /**
   * Table, header, sync, reading back, name, directory. With `expected`, a different content is refused (code DIGEST)
   * and removed.
   */
  finish(expected: SnapshotFile | null, done: Done<SnapshotFile>): void {
    const { fs, dir, path, index } = this.#target
    const digest = this.#hasher.digest()
    const written = { index, digest: toHex(digest), bytes: this.#bytes }
    const same =
      expected === null || (expected.digest === written.digest && expected.bytes === written.bytes)
    if (!same) {
      const message = 'what arrived is not the snapshot that was announced'
      this.#file.close(() => {})
      fs.unlink(path, () => done({ code: 'DIGEST', operation: 'receive', path, message }, null))
      return
    }
    const fail = (error: FileError): void => this.#file.close(() => done(error, null))
    const then = (next: () => void): Done<unknown> => {
      return (error) => (error === null ? next() : fail(error))
    }
    const table = this.#sums.table()
    const header = { index, bytes: this.#bytes, tableSum: crc32c(table) }
    const end = SNAPSHOT_HEADER_BYTES + this.#bytes
    const writeHeader = (): void =>
      writeAll(this.#file, 0, writeSnapshotHeader(header, digest), then(sync))
    const sync = (): void =>
      this.#file.datasync(then(() => this.#readBack(written.digest, then(close))))
    const close = (): void =>
      this.#file.close((error) => (error === null ? name() : done(error, null)))
    const name = (): void =>
      fs.rename(path, `${dir}/${snapshotName(index)}`, (error) => {
        if (error !== null) return done(error, null)
        fs.syncDirectory(dir, (lost) => done(lost, lost === null ? written : null))
      })
    writeAll(this.#file, end, table, then(writeHeader))
  }

  /** Gives up; what was written is removed. */
  abort(): void {
    this.#file.close(() => {})
    this.#target.fs.unlink(this.#target.path, () => {})
  }

  /** The one before may go once this one has a name: so what is in the file is looked at again. */
  #readBack(digest: string, done: Done<void>): void {
    const hasher = this.#options.newHasher()
    const next = (at: number): void => {
      if (at >= this.#bytes) {
        const { path } = this.#target
        const same = toHex(hasher.digest()) === digest
        return done(same ? null : corruptSnapshot(path, 0, 'it does not read as written'), null)
      }
      const length = Math.min(PIECE_BYTES, this.#bytes - at)
      this.#file.read(SNAPSHOT_HEADER_BYTES + at, length, (error, piece) => {
        if (error !== null || piece === null) return done(error, null)
        hasher.update(piece)
        if (piece.length < length)
          return done(corruptSnapshot(this.#target.path, at, 'it ends too early'), null)
        this.#options.soon(() => next(at + length))
      })
    }
    next(0)
  }
}
