/**
 * A stretch of a segment that holds no intact record: the end of the log, a torn tail, or damage? Told apart by
 * what was promised (docs/wal-format.md):
 * 1. A bad record of batch b is damage if an intact record anywhere behind it says that b was on disk, or that
 *    all before itself was.
 * 2. It is damage if the stretch was written to its end with no hole of zeros: nothing is missing, so it changed.
 * 3. Else it is torn: unsynced writes reach the disk in any order, so intact records behind a hole are ordinary.
 */
import {
  endsRecord,
  RECORD_ALIGN,
  type RecordHeader,
  readPayload,
  readRecordHeader,
  recordBytes,
} from './record.js'
import { corrupt, type WalError } from './refusal.js'

const SECTOR_BYTES = 512

export interface Cut {
  readonly file: string
  readonly offset: number
  /** How many bytes are zeroed. */
  readonly bytes: number
  readonly reason: string
}

/** Where reading stopped, and what was known there. */
export interface Stretch {
  readonly name: string
  readonly number: number
  readonly salt: number
  /** Up to where records may lie. */
  readonly bytes: Uint8Array
  readonly offset: number
  /** The header at `offset`, if it is intact: then the payload is not. */
  readonly found: RecordHeader | null
  /** The number of the batch that should have been here. */
  readonly batch: number
  readonly lastIndex: number
}

export interface Behind {
  readonly at: number
  readonly header: RecordHeader
}

export type TailVerdict =
  /** Nothing but zeros: the log ends here. */
  | { readonly type: 'end' }
  | { readonly type: 'torn'; readonly cut: Cut }
  | { readonly type: 'damaged'; readonly error: WalError }

/** Of a stretch of the last segment. */
export function judgeTail(stretch: Stretch): TailVerdict {
  const { bytes, name, offset, found } = stretch
  const used = usedBytes(bytes)
  if (used <= offset) return { type: 'end' }
  // Batches only grow, so the lost number is at least this one, and so is every durable one above the last.
  const batch = found?.batch ?? stretch.batch
  let next: number | null = null
  for (const { at, header } of intactBehind(stretch)) {
    next ??= at
    if (header.durableBatch >= batch || header.behindDurable) {
      const what = `damaged, and the record at byte ${at} says that it was on disk`
      return { type: 'damaged', error: damaged(stretch, what) }
    }
  }
  const rest = next ?? Math.ceil(used / RECORD_ALIGN) * RECORD_ALIGN
  const end = found === null ? rest : offset + recordBytes(found.length)
  if (endsRecord(bytes, end) && !hasHole(bytes, offset, end))
    return { type: 'damaged', error: damaged(stretch, 'written whole and has changed since') }
  const cut = { file: name, offset, bytes: used - offset, reason: 'an unfinished write' }
  return { type: 'torn', cut }
}

/** The refusal for a stretch that cannot be a torn tail. `what` goes on with "a record was ...". */
export function damaged(stretch: Stretch, what: string): WalError {
  const { name, offset, found, lastIndex } = stretch
  let through = found !== null && found.lastIndex > 0 ? found.lastIndex : null
  for (const { header } of intactBehind(stretch))
    if (header.lastIndex > 0) through = Math.max(through ?? 0, header.lastIndex)
  const entries = through !== null && through <= lastIndex ? null : { after: lastIndex, through }
  return corrupt(name, offset, `a record was ${what}`, entries)
}

/** Every record that lies whole in its own place behind the stretch, whatever lies between. */
export function* intactBehind(stretch: Stretch): Generator<Behind> {
  const { bytes, number, salt, offset } = stretch
  const used = usedBytes(bytes)
  let at = offset + RECORD_ALIGN
  while (at < used) {
    const header = readRecordHeader(bytes, { salt, segment: number, offset: at })
    if (header === null || readPayload(bytes, at, header) === null) {
      at += RECORD_ALIGN
      continue
    }
    yield { at, header }
    at += recordBytes(header.length)
  }
}

/**
 * Does a sector's share of the stretch end in zeros? Then what belongs there may never have reached the disk: the
 * sector was not written, or written back between the two halves of a short write. (A record may hold a zero just
 * there; then its change is not noticed unless something behind it vouches for it.) No record begins with a zero either:
 * that is how the cut of a torn tail begins.
 */
function hasHole(bytes: Uint8Array, from: number, to: number): boolean {
  if (bytes[from] === 0) return true
  for (let at = from; at < to; ) {
    const end = Math.min(to, (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES)
    if (bytes[end - 1] === 0) return true
    at = end
  }
  return false
}

/** Up to the last byte that is not zero. */
export function usedBytes(bytes: Uint8Array): number {
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === 0) end--
  return end
}
