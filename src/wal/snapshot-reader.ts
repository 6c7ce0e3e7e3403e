/** One snapshot file, opened: every byte that leaves here was verified against the file's own table first. */
import { EMPTY } from '../base/bytes.js'
import type { Done, File, FileError, FileSystem } from './file-system.js'
import {
  joined,
  PIECE_BYTES,
  pieceCount,
  pieceSum,
  readSnapshotHeader,
  readTable,
  SNAPSHOT_HEADER_BYTES,
  type SnapshotFile,
  snapshotName,
} from './snapshot-file.js'

export const SNAPSHOT_CORRUPT = 'SNAPSHOT_CORRUPT'

export function corruptSnapshot(path: string, offset: number, problem: string): FileError {
  const message =
    `SNAPSHOT_CORRUPT: ${path} at byte ${offset}: ${problem}. ` +
    'Put back a copy of the file, or replace the node by a new member'
  return { code: SNAPSHOT_CORRUPT, operation: 'read', path, message }
}

export class SnapshotReader {
  /** As the file's header says. */
  readonly snapshot: SnapshotFile
  readonly #file: File
  readonly #sums: Uint32Array
  /** The piece read last: reads go on within it. */
  #piece: { readonly number: number; readonly bytes: Uint8Array } | null = null

  private constructor(file: File, snapshot: SnapshotFile, sums: Uint32Array) {
    this.#file = file
    this.snapshot = snapshot
    this.#sums = sums
  }

  /** Error SNAPSHOT_CORRUPT: the file is not there, or header or table are not what was written. */
  static open(fs: FileSystem, dir: string, index: number, done: Done<SnapshotReader>): void {
    const path = `${dir}/${snapshotName(index)}`
    fs.open(path, 'existing', (error, file) => {
      if (error?.code === 'ENOENT')
        return done(corruptSnapshot(path, 0, 'the file is not there'), null)
      if (error !== null || file === null) return done(error, null)
      const end = (failed: FileError | null): void => file.close(() => done(failed, null))
      const refuse = (offset: number, problem: string): void =>
        end(corruptSnapshot(path, offset, problem))
      file.read(0, SNAPSHOT_HEADER_BYTES, (unread, bytes) => {
        if (unread !== null || bytes === null) return end(unread)
        const header = readSnapshotHeader(bytes, index)
        if (typeof header === 'string') return refuse(0, header)
        const at = SNAPSHOT_HEADER_BYTES + header.bytes
        file.read(at, pieceCount(header.bytes) * 4, (unreadTable, table) => {
          if (unreadTable !== null || table === null) return end(unreadTable)
          const sums = readTable(table, header)
          if (typeof sums === 'string') return refuse(at, sums)
          const { digest, bytes: length } = header
          done(null, new SnapshotReader(file, { index, digest, bytes: length }, sums))
        })
      })
    })
  }

  /** Content bytes; fewer than asked for only at the end. */
  readAt(offset: number, length: number, done: Done<Uint8Array>): void {
    const to = Math.min(offset + length, this.snapshot.bytes)
    const parts: Uint8Array[] = []
    const next = (at: number): void => {
      if (at >= to) return done(null, joined(parts))
      const number = Math.floor(at / PIECE_BYTES)
      const begin = number * PIECE_BYTES
      this.#read(number, (error, piece) => {
        if (error !== null || piece === null) return done(error, null)
        parts.push(piece.subarray(at - begin, to - begin))
        next(begin + PIECE_BYTES)
      })
    }
    if (offset < to) next(offset)
    else this.#file.read(0, 0, (error) => done(error, error === null ? EMPTY : null))
  }

  close(done: () => void = () => {}): void {
    this.#file.close(() => done())
  }

  #read(number: number, done: Done<Uint8Array>): void {
    const kept = this.#piece
    if (kept?.number === number) {
      // Never inside the call: a read of nothing comes back later.
      this.#file.read(0, 0, (error) => done(error, error === null ? kept.bytes : null))
      return
    }
    const begin = number * PIECE_BYTES
    const length = Math.min(PIECE_BYTES, this.snapshot.bytes - begin)
    this.#file.read(SNAPSHOT_HEADER_BYTES + begin, length, (error, bytes) => {
      if (error !== null || bytes === null) return done(error, null)
      if (bytes.length !== length || pieceSum(bytes, number) !== this.#sums[number]) {
        const { path } = this.#file
        const at = SNAPSHOT_HEADER_BYTES + begin
        return done(corruptSnapshot(path, at, 'the content has changed since'), null)
      }
      this.#piece = { number, bytes }
      done(null, bytes)
    })
  }
}
