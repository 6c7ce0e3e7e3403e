/**
 * The bytes of a record (docs/wal-format.md): header, payload, padding, trailer. A header's checksum covers where it
 * lies and whose log it is in, so that a whole record at a wrong place is no record; its length is trusted only after
 * that checksum. All numbers little-endian.
 */
import { crc32c } from '../base/crc32c.js'

const RECORD_VERSION = 1
export const RECORD_HEADER_BYTES = 48
/** Ends every record. Never zero: a record whose end is there was written to its end. */
export const TRAILER_BYTES = 8
export const RECORD_BYTES_MAX = 64 * 1024 * 1024
/** Of one shape: room for it is kept at the end of every segment. A protocol that needs more is wrong. */
export const SHAPE_BYTES_MAX = 2048
/** Every record begins at a multiple of it. */
export const RECORD_ALIGN = 8
const SUM_AT = RECORD_HEADER_BYTES - 4

const RECORD_MAGIC = 0x4352_5251 // "QRRC"
const TRAILER_MAGIC = 0x444e_4552 // "REND"
/** All that lies before this record was on disk when it was written. */
const FLAG_BEHIND_DURABLE = 1

/**
 * `state` opens a segment, `batch` holds a batch, `shape` follows each batch and tells how the log looks behind it,
 * `mark` vouches for all before it and repeats the last shape, `seal` ends a segment once the next one exists: a
 * sealed segment without a successor has lost it.
 */
export type RecordKind = 'state' | 'batch' | 'mark' | 'seal' | 'shape'
const KINDS: readonly RecordKind[] = ['state', 'batch', 'mark', 'seal', 'shape']

export interface RecordHeader {
  readonly kind: RecordKind
  readonly length: number
  readonly batch: number
  /** The last batch known to be on disk before this was written. */
  readonly durableBatch: number
  readonly behindDurable: boolean
  /** Of a batch: the highest log index in it, 0 for none. Of any other: the highest in any batch before it, ever. */
  readonly lastIndex: number
  /** Chain sum of the record before: a record that goes missing is noticed. */
  readonly previousSum: number
  readonly payloadSum: number
  /** Of this header. */
  readonly sum: number
}

export interface Place {
  /** `saltOf` the log's identity. */
  readonly salt: number
  readonly segment: number
  readonly offset: number
}

export function recordBytes(payloadLength: number): number {
  return align(RECORD_HEADER_BYTES + payloadLength) + TRAILER_BYTES
}

/** Of a seal. */
export const EMPTY_RECORD_BYTES: number = RECORD_HEADER_BYTES + TRAILER_BYTES

function align(length: number): number {
  return Math.ceil(length / RECORD_ALIGN) * RECORD_ALIGN
}

/** What the next record's `previousSum` must be. */
export function chainSum(header: { readonly sum: number; readonly payloadSum: number }): number {
  return (header.sum ^ header.payloadSum) >>> 0
}

export interface NewRecord {
  readonly kind: RecordKind
  readonly batch: number
  readonly durableBatch: number
  readonly behindDurable: boolean
  readonly lastIndex: number
  readonly previousSum: number
  readonly payload: Uint8Array
}

/** Writes a record at `at` of `out`, which has room for it and may hold anything; gives its chain sum. */
export function writeRecord(out: Uint8Array, at: number, place: Place, record: NewRecord): number {
  const { payload } = record
  const size = recordBytes(payload.length)
  const view = new DataView(out.buffer, out.byteOffset + at, size)
  const payloadSum = crc32c(payload)
  view.setUint32(0, RECORD_MAGIC, true)
  view.setUint32(4, payload.length, true)
  view.setUint8(8, KINDS.indexOf(record.kind) + 1)
  view.setUint8(9, RECORD_VERSION)
  view.setUint16(10, record.behindDurable ? FLAG_BEHIND_DURABLE : 0, true)
  setNumber(view, 12, record.batch)
  setNumber(view, 20, record.durableBatch)
  setNumber(view, 28, record.lastIndex)
  view.setUint32(36, record.previousSum, true)
  view.setUint32(40, payloadSum, true)
  const sum = headerSum(out, at, place)
  view.setUint32(SUM_AT, sum, true)
  out.set(payload, at + RECORD_HEADER_BYTES)
  out.fill(0, at + RECORD_HEADER_BYTES + payload.length, at + size - TRAILER_BYTES)
  view.setUint32(size - TRAILER_BYTES, TRAILER_MAGIC, true)
  view.setUint32(size - 4, TRAILER_MAGIC, true)
  return chainSum({ sum, payloadSum })
}

/** Null: no intact header lies here. */
export function readRecordHeader(segment: Uint8Array, place: Place): RecordHeader | null {
  const { offset } = place
  if (offset + RECORD_HEADER_BYTES > segment.length) return null
  // Most places that are looked at behind damage begin no record.
  if (segment[offset] !== (RECORD_MAGIC & 0xff)) return null
  const view = new DataView(segment.buffer, segment.byteOffset + offset)
  if (view.getUint32(0, true) !== RECORD_MAGIC) return null
  const sum = view.getUint32(SUM_AT, true)
  if (headerSum(segment, offset, place) !== sum) return null
  const kind = KINDS[view.getUint8(8) - 1]
  const length = view.getUint32(4, true)
  if (kind === undefined || length > RECORD_BYTES_MAX) return null
  return {
    kind,
    length,
    batch: getNumber(view, 12),
    durableBatch: getNumber(view, 20),
    behindDurable: (view.getUint16(10, true) & FLAG_BEHIND_DURABLE) !== 0,
    lastIndex: getNumber(view, 28),
    previousSum: view.getUint32(36, true),
    payloadSum: view.getUint32(40, true),
    sum,
  }
}

/** The payload, as a view; null when it is not what the header vouches for. */
export function readPayload(
  segment: Uint8Array,
  offset: number,
  header: RecordHeader,
): Uint8Array | null {
  const from = offset + RECORD_HEADER_BYTES
  if (from + header.length > segment.length) return null
  const payload = segment.subarray(from, from + header.length)
  return crc32c(payload) === header.payloadSum ? payload : null
}

/** Do the eight bytes before `end` close a record? */
export function endsRecord(segment: Uint8Array, end: number): boolean {
  if (end - TRAILER_BYTES < 0 || end > segment.length) return false
  const view = new DataView(segment.buffer, segment.byteOffset + end - TRAILER_BYTES)
  return view.getUint32(0, true) === TRAILER_MAGIC
}

/** Two places differ in the seed of the checksum, and with it in the checksum of the same bytes. */
function headerSum(out: Uint8Array, at: number, place: Place): number {
  const { salt, segment, offset } = place
  const seed = ((salt ^ Math.imul(segment, 0x9e37_79b1)) + Math.imul(offset, 0x85eb_ca6b)) >>> 0
  return crc32c(out, seed, at, at + SUM_AT)
}

export function setNumber(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % 0x1_0000_0000, true)
  view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true)
}

export function getNumber(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 0x1_0000_0000
}
