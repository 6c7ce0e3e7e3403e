/**
 * What lies on a simulated disk for certain, found by looking at each place where a record could begin. It shares the
 * record's format with the log, and nothing of the log's judgement.
 */
import { readPayload, readRecordHeader, recordBytes } from '../../wal/record.js'
import { type Identity, SEGMENT_HEADER_BYTES, saltOf } from '../../wal/segment-header.js'

const ALIGN = 8

export interface DurableSegment {
  readonly path: string
  readonly number: number
  readonly bytes: Uint8Array
}

export interface DurableRecord {
  readonly path: string
  readonly segment: number
  readonly at: number
  readonly size: number
  readonly kind: string
  readonly batch: number
  readonly lastIndex: number
  /** A shape or a mark that says how the log looked. One that closes a batch whose own was torn off says nothing. */
  readonly tells: boolean
}

/** Intact ones, in the order of the log. `segments` in the order of their numbers. */
export function durableRecords(
  segments: readonly DurableSegment[],
  identity: Identity,
): DurableRecord[] {
  const salt = saltOf(identity)
  const out: DurableRecord[] = []
  for (const { path, number, bytes } of segments) {
    let at = SEGMENT_HEADER_BYTES
    while (at < bytes.length) {
      const header = readRecordHeader(bytes, { salt, segment: number, offset: at })
      if (header === null || readPayload(bytes, at, header) === null) {
        at += ALIGN
        continue
      }
      const { kind, batch, lastIndex, length } = header
      const size = recordBytes(length)
      const tells = (kind === 'shape' || kind === 'mark') && length > 0
      out.push({ path, segment: number, at, size, kind, batch, lastIndex, tells })
      at += size
    }
  }
  return out
}

/** One that may be damaged: the indices that would be lost with it, `from` above `through` for none. */
export interface Damageable {
  readonly record: DurableRecord
  readonly from: number
  readonly through: number
  /** What it holds cannot be told by index: a log that went back, or the state that opens it. */
  readonly uncertain: boolean
}

/**
 * Those behind which the log goes on for certain: a whole batch follows, and behind it a record that vouches for that
 * batch and one that tells how the log looked, all of them on the medium (`syncedBatch` was called back, and `vouchedBy` was
 * then when a batch was written). Damage nearer to the end than that may read as an unfinished write, or leaves nothing to
 * tell what was lost: where the last batches were all torn before their shapes, no log could know.
 */
export function damageable(
  records: readonly DurableRecord[],
  syncedBatch: number,
  vouchedBy: ReadonlyMap<number, number>,
): Damageable[] {
  let vouched = 0
  let told = false
  let lastSafe = -1
  // From the end: the last record behind which a batch stands that is vouched for, and what tells of it.
  for (let i = records.length - 1; i >= 0; i--) {
    const record = records[i] as DurableRecord
    told ||= record.tells && record.batch <= syncedBatch
    if (record.kind === 'batch' && record.batch <= vouched && told) {
      lastSafe = i - 1
      break
    }
    if (record.kind === 'batch' && record.batch <= syncedBatch)
      vouched = Math.max(vouched, vouchedBy.get(record.batch) ?? 0)
  }
  const out: Damageable[] = []
  let highest = 0
  for (let i = 0; i < records.length; i++) {
    const record = records[i] as DurableRecord
    const { lastIndex } = record
    if (i <= lastSafe) {
      const from = lastIndex === 0 ? 1 : highest + 1
      const uncertain = (lastIndex !== 0 && lastIndex <= highest) || i === 0
      out.push({ record, from, through: lastIndex, uncertain })
    }
    highest = Math.max(highest, lastIndex)
  }
  return out
}
