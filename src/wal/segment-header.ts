/**
 * The first 512 bytes of a segment: whose it is, its place among the others, how long it was made. A segment that is
 * another's, out of place, stale or shorter than it was made is refused by this alone (docs/wal-format.md).
 */
import { assert } from '../base/assert.js'
import { crc32c } from '../base/crc32c.js'
import { utf8Decode, utf8Encode } from '../base/utf8.js'
import { getNumber, setNumber } from './record.js'

export const FORMAT_VERSION = 2
export const SEGMENT_HEADER_BYTES = 512
const SEGMENT_MAGIC = 0x4c57_5251 // "QRWL"
const HASH_AT = 24
const CAPACITY_AT = 56
const TEXTS_AT = 64
const TEXT_BYTES_MAX = 128
const SUM_AT = SEGMENT_HEADER_BYTES - 4

/** Whose log this is; a segment of anybody else is refused. Each at most 128 bytes of UTF-8. */
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
  /** Length of the file, zeros included: on disk before the segment had a name, so less means that some is lost. */
  readonly capacity: number
}

/**
 * Goes into the checksum of every record header. The uid is random and told to nobody, so that a client cannot put
 * bytes into a value that would pass for a record.
 */
export function saltOf(identity: Identity): number {
  return crc32c(utf8Encode(`${identity.clusterId}\0${identity.nodeId}\0${identity.uid}`))
}

export function writeSegmentHeader(header: SegmentHeader): Uint8Array {
  const out = new Uint8Array(SEGMENT_HEADER_BYTES)
  const view = new DataView(out.buffer)
  view.setUint32(0, SEGMENT_MAGIC, true)
  view.setUint32(4, header.version, true)
  setNumber(view, 8, header.number)
  setNumber(view, 16, header.previousEnd)
  out.set(header.previousHash, HASH_AT)
  setNumber(view, CAPACITY_AT, header.capacity)
  let at = TEXTS_AT
  const { clusterId, nodeId, uid } = header.identity
  for (const text of [clusterId, nodeId, uid]) {
    const bytes = utf8Encode(text)
    assert(bytes.length <= TEXT_BYTES_MAX, 'an identity is too long for the header of a segment')
    out[at] = bytes.length
    out.set(bytes, at + 1)
    at += 1 + bytes.length
  }
  view.setUint32(SUM_AT, crc32c(out, 0, 0, SUM_AT), true)
  return out
}

export type ReadSegmentHeader =
  | { readonly type: 'ok'; readonly header: SegmentHeader }
  | { readonly type: 'newer' | 'older'; readonly version: number }
  | { readonly type: 'bad' }

/** A later format keeps magic, version and checksum where they are, so that it can be told from damage. */
export function readSegmentHeader(segment: Uint8Array): ReadSegmentHeader {
  if (segment.length < SEGMENT_HEADER_BYTES) return { type: 'bad' }
  const view = new DataView(segment.buffer, segment.byteOffset)
  if (view.getUint32(0, true) !== SEGMENT_MAGIC) return { type: 'bad' }
  if (crc32c(segment, 0, 0, SUM_AT) !== view.getUint32(SUM_AT, true)) return { type: 'bad' }
  const version = view.getUint32(4, true)
  if (version > FORMAT_VERSION) return { type: 'newer', version }
  if (version < FORMAT_VERSION) return { type: 'older', version }
  const texts: string[] = []
  let at = TEXTS_AT
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
      previousHash: segment.slice(HASH_AT, HASH_AT + 32),
      previousEnd: getNumber(view, 16),
      capacity: getNumber(view, CAPACITY_AT),
    },
  }
}
