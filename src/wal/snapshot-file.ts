/**
 * The bytes of a snapshot's file (docs/wal-format.md): a header, the content as it is, and a table with the checksum
 * of each piece of 64 KiB, so that any part can be verified without the whole: a damaged snapshot is not sent on.
 */
import { concat, EMPTY, toHex } from '../base/bytes.js'
import { crc32c } from '../base/crc32c.js'
import { getNumber, setNumber } from './record.js'

const NAME = /^snap-([0-9a-f]{14})\.snap$/
const UNFINISHED = /^snap-[0-9a-f]{14}\.snap\.(\d+\.)?tmp$/
const MAGIC = 0x5053_5251 // "QRSP"
const VERSION = 1
export const SNAPSHOT_HEADER_BYTES = 96
export const PIECE_BYTES: number = 64 * 1024
const SUM_AT = SNAPSHOT_HEADER_BYTES - 4

/** What identifies a snapshot's content. */
export interface SnapshotFile {
  readonly index: number
  /** SHA-256 of the content, hex. */
  readonly digest: string
  /** Length of the content. */
  readonly bytes: number
}

export function snapshotName(index: number): string {
  return `snap-${index.toString(16).padStart(14, '0')}.snap`
}

/** Null: not the name of a snapshot. */
export function snapshotIndex(name: string): number | null {
  const match = NAME.exec(name)
  return match?.[1] === undefined ? null : Number.parseInt(match[1], 16)
}

export function isUnfinished(name: string): boolean {
  return UNFINISHED.test(name)
}

export function pieceCount(bytes: number): number {
  return Math.ceil(bytes / PIECE_BYTES)
}

/** Seeded with its number: a piece in another's place is no piece. */
export function pieceSum(bytes: Uint8Array, number: number): number {
  return crc32c(bytes, number)
}

/** Sums the pieces of content that comes in parts of any size. */
export class PieceSums {
  readonly #sums: number[] = []
  #sum = 0
  #filled = 0

  update(bytes: Uint8Array): void {
    let at = 0
    while (at < bytes.length) {
      const to = Math.min(bytes.length, at + PIECE_BYTES - this.#filled)
      this.#sum = crc32c(bytes, this.#filled === 0 ? this.#sums.length : this.#sum, at, to)
      this.#filled += to - at
      at = to
      if (this.#filled === PIECE_BYTES) this.#end()
    }
  }

  /** The table; nothing comes after it. */
  table(): Uint8Array {
    if (this.#filled > 0) this.#end()
    const table = new Uint8Array(this.#sums.length * 4)
    const view = new DataView(table.buffer)
    for (const [i, sum] of this.#sums.entries()) view.setUint32(i * 4, sum, true)
    return table
  }

  #end(): void {
    this.#sums.push(this.#sum)
    this.#filled = 0
  }
}

export interface SnapshotHeader {
  readonly index: number
  readonly bytes: number
  readonly digest: string
  readonly tableSum: number
}

export function writeSnapshotHeader(
  header: Omit<SnapshotHeader, 'digest'>,
  digest: Uint8Array,
): Uint8Array {
  const out = new Uint8Array(SNAPSHOT_HEADER_BYTES)
  const view = new DataView(out.buffer)
  view.setUint32(0, MAGIC, true)
  view.setUint32(4, VERSION, true)
  setNumber(view, 8, header.index)
  setNumber(view, 16, header.bytes)
  out.set(digest, 24)
  view.setUint32(56, PIECE_BYTES, true)
  view.setUint32(60, header.tableSum, true)
  view.setUint32(SUM_AT, crc32c(out, 0, 0, SUM_AT), true)
  return out
}

/** A string says what is wrong with it. */
export function readSnapshotHeader(bytes: Uint8Array, index: number): SnapshotHeader | string {
  if (bytes.length < SNAPSHOT_HEADER_BYTES) return 'it has no whole header'
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  if (view.getUint32(0, true) !== MAGIC) return 'it is no snapshot'
  if (view.getUint32(SUM_AT, true) !== crc32c(bytes, 0, 0, SUM_AT)) return 'its header is damaged'
  const version = view.getUint32(4, true)
  if (version > VERSION)
    return `it is written in format ${version}, which this version does not know`
  const header = {
    index: getNumber(view, 8),
    bytes: getNumber(view, 16),
    digest: toHex(bytes.subarray(24, 56)),
    tableSum: view.getUint32(60, true),
  }
  if (view.getUint32(56, true) !== PIECE_BYTES) return 'its pieces are of an unknown size'
  if (header.index !== index) return `it is the snapshot at ${header.index} under another name`
  return header
}

/** The content's sums, or what is wrong with them. */
export function readTable(bytes: Uint8Array, header: SnapshotHeader): Uint32Array | string {
  const count = pieceCount(header.bytes)
  if (bytes.length !== count * 4) return 'it ends within the table of its checksums'
  if (crc32c(bytes) !== header.tableSum) return 'the table of its checksums is damaged'
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return Uint32Array.from({ length: count }, (_, i) => view.getUint32(i * 4, true))
}

export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces
  if (pieces.length === 1 && only !== undefined) return only
  return pieces.length === 0 ? EMPTY : concat(pieces)
}
