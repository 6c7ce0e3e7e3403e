/**
 * The bytes of a segment: a header, then records one after the other, then zeros (docs/wal-format.md). A header's
 * checksum covers where it lies, so that a whole record at a wrong place is no record; its length is trusted only
 * after that checksum. All numbers little-endian.
 */
import { crc32c } from '../base/crc32c.js'
import { utf8Decode, utf8Encode } from '../base/utf8.js'

export const FORMAT_VERSION = 1
export const SEGMENT_HEADER_BYTES = 512
export const RECORD_HEADER_BYTES = 48
/** Ends every record. Never zero: a record whose end is there was written to its end. */
export const TRAILER_BYTES = 8
export const RECORD_BYTES_MAX = 64 * 1024 * 1024
const ALIGN = 8

const SEGMENT_MAGIC = 0x4c57_5251 // "QRWL"
const RECORD_MAGIC = 0x4352_5251 // "QRRC"
const TRAILER_MAGIC = 0x444e_4552 // "REND"

/** Whose log this is; a segment of anybody else is refused. */
export interface Identity {
  readonly clusterId: string
  readonly nodeId: string
  /** Of the data directory. */
  readonly uid: string
}

export interface SegmentHeader {
  readonly version: number
  readonly number: number
  readonly identity: Identity
  /** SHA-256 over all bytes of the segment before, up to `previousEnd`; zeros for the first ever. */
  readonly previousHash: Uint8Array
  /** Length of the used part of the segment before. */
  readonly previousEnd: number
}

/** `state` opens a segment, `batch` holds a batch, `mark` vouches for all before it. */
export type RecordKind = 'state' | 'batch' | 'mark'
const KINDS: readonly RecordKind[] = ['state', 'batch', 'mark']

export interface RecordHeader {
  readonly kind: RecordKind
  readonly length: number
  readonly batch: number
  /** The last batch known to be on disk when this was written. */
  readonly durableBatch: number
  readonly lastIndex: number
  /** Checksum of the record before: a record that goes missing is noticed. */
  readonly previousSum: number
  readonly payloadSum: number
  /** Of this header. */
  readonly sum: number
}

export interface Place {
  readonly segment: number
  readonly offset: number
}

export function recordBytes(payloadLength: number): number {
  return align(RECORD_HEADER_BYTES + payloadLength) + TRAILER_BYTES
}

function align(length: number): number {
  return Math.ceil(length / ALIGN) * ALIGN
}

/** What the next record's `previousSum` must be. */
export function chainSum(header: { readonly sum: number; readonly payloadSum: number }): number {
  return (header.sum ^ header.payloadSum) >>> 0
}

export interface NewRecord {
  readonly kind: RecordKind
  readonly batch: number
  readonly durableBatch: number
  readonly lastIndex: number
  readonly previousSum: number
  readonly payload: Uint8Array
}

/** Writes a record at `at` of `out`, which has room for it; gives its chain sum. */
export function writeRecord(out: Uint8Array, at: number, place: Place, record: NewRecord): number {
  const { payload } = record
  const view = new DataView(out.buffer, out.byteOffset + at)
  const payloadSum = crc32c(payload)
  view.setUint32(0, RECORD_MAGIC, true)
  view.setUint32(4, payload.length, true)
  view.setUint8(8, KINDS.indexOf(record.kind) + 1)
  view.setUint8(9, FORMAT_VERSION)
  view.setUint16(10, 0, true)
  setNumber(view, 12, record.batch)
  setNumber(view, 20, record.durableBatch)
  setNumber(view, 28, record.lastIndex)
  view.setUint32(36, record.previousSum, true)
  view.setUint32(40, payloadSum, true)
  const sum = headerSum(out.subarray(at, at + 44), place)
  view.setUint32(44, sum, true)
  out.set(payload, at + RECORD_HEADER_BYTES)
  view.setUint32(recordBytes(payload.length) - TRAILER_BYTES, TRAILER_MAGIC, true)
  view.setUint32(recordBytes(payload.length) - 4, TRAILER_MAGIC, true)
  return chainSum({ sum, payloadSum })
}

/** Null: no intact header lies here. */
export function readRecordHeader(
  segment: Uint8Array,
  number: number,
  offset: number,
): RecordHeader | null {
  if (offset + RECORD_HEADER_BYTES > segment.length) return null
  const view = new DataView(segment.buffer, segment.byteOffset + offset)
  if (view.getUint32(0, true) !== RECORD_MAGIC) return null
  const sum = view.getUint32(44, true)
  const place = { segment: number, offset }
  if (headerSum(segment.subarray(offset, offset + 44), place) !== sum) return null
  const kind = KINDS[view.getUint8(8) - 1]
  const length = view.getUint32(4, true)
  if (kind === undefined || length > RECORD_BYTES_MAX) return null
  return {
    kind,
    length,
    batch: getNumber(view, 12),
    durableBatch: getNumber(view, 20),
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

function headerSum(header: Uint8Array, place: Place): number {
  const where = new Uint8Array(16)
  const view = new DataView(where.buffer)
  setNumber(view, 0, place.segment)
  setNumber(view, 8, place.offset)
  return crc32c(header, crc32c(where))
}

export function writeSegmentHeader(header: SegmentHeader): Uint8Array {
  const out = new Uint8Array(SEGMENT_HEADER_BYTES)
  const view = new DataView(out.buffer)
  view.setUint32(0, SEGMENT_MAGIC, true)
  view.setUint32(4, header.version, true)
  setNumber(view, 8, header.number)
  setNumber(view, 16, header.previousEnd)
  out.set(header.previousHash.subarray(0, 32), 24)
  let at = 56
  const { clusterId, nodeId, uid } = header.identity
  for (const text of [clusterId, nodeId, uid]) {
    const bytes = utf8Encode(text).subarray(0, 128)
    out[at] = bytes.length
    out.set(bytes, at + 1)
    at += 1 + bytes.length
  }
  view.setUint32(SEGMENT_HEADER_BYTES - 4, crc32c(out, 0, 0, SEGMENT_HEADER_BYTES - 4), true)
  return out
}

export type ReadSegmentHeader =
  | { readonly type: 'ok'; readonly header: SegmentHeader }
  | { readonly type: 'newer'; readonly version: number }
  | { readonly type: 'bad' }

export function readSegmentHeader(segment: Uint8Array): ReadSegmentHeader {
  if (segment.length < SEGMENT_HEADER_BYTES) return { type: 'bad' }
  const view = new DataView(segment.buffer, segment.byteOffset)
  if (view.getUint32(0, true) !== SEGMENT_MAGIC) return { type: 'bad' }
  const sum = view.getUint32(SEGMENT_HEADER_BYTES - 4, true)
  if (crc32c(segment, 0, 0, SEGMENT_HEADER_BYTES - 4) !== sum) return { type: 'bad' }
  const version = view.getUint32(4, true)
  if (version > FORMAT_VERSION) return { type: 'newer', version }
  const texts: string[] = []
  let at = 56
  for (let i = 0; i < 3; i++) {
    const length = segment[at] ?? 0
    texts.push(utf8Decode(segment.subarray(at + 1, at + 1 + length)))
    at += 1 + length
  }
  const [clusterId = '', nodeId = '', uid = ''] = texts
  return {
    type: 'ok',
    header: {
      version,
      number: getNumber(view, 8),
      identity: { clusterId, nodeId, uid },
      previousHash: segment.slice(24, 56),
      previousEnd: getNumber(view, 16),
    },
  }
}

function setNumber(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % 0x1_0000_0000, true)
  view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true)
}

function getNumber(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 0x1_0000_0000
}
