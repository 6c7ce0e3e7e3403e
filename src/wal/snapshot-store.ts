/**
 * Snapshots as files: `snap-INDEX.snap`, a header and then the content as it is. A snapshot is written beside its name,
 * synced, renamed, and the directory synced; only then may a record of the log speak of it. Its digest is in that
 * record, so a file is believed only if it is the very one.
 */
import { toHex } from '../base/bytes.js'
import { crc32c } from '../base/crc32c.js'
import type { Hasher } from '../base/sha256.js'
import { type Done, type File, type FileSystem, writeAll } from './file-system.js'

/** What identifies a snapshot's content. */
export interface SnapshotFile {
  readonly index: number
  /** SHA-256 of the content, hex. */
  readonly digest: string
  /** Length of the content. */
  readonly bytes: number
}

export interface SnapshotStoreOptions {
  readonly newHasher: () => Hasher
  /** Between two pieces, so that writing a large snapshot never holds up the node. */
  readonly soon: (task: () => void) => void
}

const NAME = /^snap-([0-9a-f]{14})\.snap$/
const MAGIC = 0x5053_5251 // "QRSP"
const VERSION = 1
export const SNAPSHOT_HEADER_BYTES = 32
/** Read and verified at once. */
const PIECE_BYTES = 256 * 1024

export function snapshotName(index: number): string {
  return `snap-${index.toString(16).padStart(14, '0')}.snap`
}

export class SnapshotStore {
  readonly #fs: FileSystem
  readonly #dir: string
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
      const indices: number[] = []
      for (const name of names) {
        const match = NAME.exec(name)
        if (match?.[1] !== undefined) indices.push(Number.parseInt(match[1], 16))
      }
      done(
        null,
        indices.sort((a, b) => b - a),
      )
    })
  }

  /** Pulls the chunks one by one. Durable when it calls back. */
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
          done(failed, null)
        })
      }
      next()
    })
  }

  /** A snapshot that arrives in pieces, in order. Nothing has its name before `finish` calls back. */
  receive(index: number, done: Done<Receiving>): void {
    const path = `${this.#dir}/${snapshotName(index)}.tmp`
    this.#fs.open(path, 'create', (error, file) => {
      if (error !== null || file === null) return done(error, null)
      const target = { fs: this.#fs, dir: this.#dir, path, index }
      done(null, new Receiving(file, target, this.#options.newHasher()))
    })
  }

  /** All of the content in pieces, after its digest was found to be the one. */
  read(snapshot: SnapshotFile, done: Done<Uint8Array[]>): void {
    const path = `${this.#dir}/${snapshotName(snapshot.index)}`
    this.#fs.open(path, 'existing', (error, file) => {
      if (error !== null || file === null) return done(error, null)
      const hasher = this.#options.newHasher()
      const pieces: Uint8Array[] = []
      const end = (problem: string | null): void => {
        file.close(() => {})
        if (problem === null) return done(null, pieces)
        done({ code: 'CORRUPT', operation: 'read', path, message: problem }, null)
      }
      const next = (at: number): void => {
        const left = snapshot.bytes - at
        if (left <= 0) {
          const same = toHex(hasher.digest()) === snapshot.digest
          return end(same ? null : 'the content is not the one that the log vouches for')
        }
        file.read(SNAPSHOT_HEADER_BYTES + at, Math.min(PIECE_BYTES, left), (unread, piece) => {
          if (unread !== null || piece === null) {
            file.close(() => {})
            return done(unread, null)
          }
          if (piece.length === 0) return end(`it ends ${left} bytes too early`)
          hasher.update(piece)
          pieces.push(piece)
          this.#options.soon(() => next(at + piece.length))
        })
      }
      file.read(0, SNAPSHOT_HEADER_BYTES, (unread, header) => {
        if (unread !== null || header === null) return done(unread, null)
        const problem = checkHeader(header, snapshot.index)
        if (problem === null) next(0)
        else end(problem)
      })
    })
  }

  /** A file to send from: `offset` counts content bytes. Close it in the end. */
  openToSend(index: number, done: Done<Sending>): void {
    this.#fs.open(`${this.#dir}/${snapshotName(index)}`, 'existing', (error, file) => {
      if (error !== null || file === null) return done(error, null)
      done(null, {
        readAt: (offset, length, read) => file.read(SNAPSHOT_HEADER_BYTES + offset, length, read),
        close: () => file.close(() => {}),
      })
    })
  }

  /** Removes every snapshot older than `index`, and what unfinished ones left. */
  removeBelow(index: number, done: Done<void>): void {
    this.#fs.list(this.#dir, (error, names) => {
      if (error !== null || names === null) return done(error, null)
      const old = names.filter((name) => {
        const match = NAME.exec(name)
        return match?.[1] !== undefined && Number.parseInt(match[1], 16) < index
      })
      this.#remove(old, done)
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

export interface Sending {
  readAt(offset: number, length: number, done: Done<Uint8Array>): void
  close(): void
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
  readonly #hasher: Hasher
  #bytes = 0

  constructor(file: File, target: Target, hasher: Hasher) {
    this.#file = file
    this.#target = target
    this.#hasher = hasher
  }

  /** Content bytes so far. */
  get bytes(): number {
    return this.#bytes
  }

  write(piece: Uint8Array, done: Done<void>): void {
    const at = SNAPSHOT_HEADER_BYTES + this.#bytes
    this.#hasher.update(piece)
    this.#bytes += piece.length
    writeAll(this.#file, at, piece, done)
  }

  /** Header, sync, name, directory. With `expected`, a different content is refused (code DIGEST) and removed. */
  finish(expected: SnapshotFile | null, done: Done<SnapshotFile>): void {
    const { fs, dir, path, index } = this.#target
    const written = { index, digest: toHex(this.#hasher.digest()), bytes: this.#bytes }
    const same =
      expected === null || (expected.digest === written.digest && expected.bytes === written.bytes)
    if (!same) {
      const message = 'what arrived is not the snapshot that was announced'
      this.#file.close(() => {})
      fs.unlink(path, () => done({ code: 'DIGEST', operation: 'receive', path, message }, null))
      return
    }
    writeAll(this.#file, 0, headerOf(index, this.#bytes), (failed) => {
      if (failed !== null) return done(failed, null)
      this.#file.datasync((unsynced) => {
        this.#file.close(() => {})
        if (unsynced !== null) return done(unsynced, null)
        fs.rename(path, `${dir}/${snapshotName(index)}`, (unnamed) => {
          if (unnamed !== null) return done(unnamed, null)
          fs.syncDirectory(dir, (lost) => done(lost, lost === null ? written : null))
        })
      })
    })
  }

  /** Gives up; what was written is removed. */
  abort(): void {
    this.#file.close(() => {})
    this.#target.fs.unlink(this.#target.path, () => {})
  }
}

function headerOf(index: number, bytes: number): Uint8Array {
  const header = new Uint8Array(SNAPSHOT_HEADER_BYTES)
  const view = new DataView(header.buffer)
  view.setUint32(0, MAGIC, true)
  view.setUint32(4, VERSION, true)
  view.setFloat64(8, index, true)
  view.setFloat64(16, bytes, true)
  view.setUint32(28, crc32c(header, 0, 0, 28), true)
  return header
}

function checkHeader(header: Uint8Array, index: number): string | null {
  if (header.length < SNAPSHOT_HEADER_BYTES) return 'it has no whole header'
  const view = new DataView(header.buffer, header.byteOffset)
  if (view.getUint32(0, true) !== MAGIC) return 'it is no snapshot'
  if (view.getUint32(28, true) !== crc32c(header, 0, 0, 28)) return 'its header is damaged'
  const version = view.getUint32(4, true)
  if (version > VERSION)
    return `it is written in format ${version}, which this version does not know`
  if (view.getFloat64(8, true) !== index) return 'it is another snapshot under this name'
  return null
}
