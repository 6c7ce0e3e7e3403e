/**
 * Reads segments back, and tells a torn tail from corruption by what was promised (docs/wal-format.md):
 * 1. Only the last segment may be torn: the one before was synced whole before the next was begun.
 * 2. A bad record of batch b is corruption if an intact record anywhere behind it says that b was durable, or if the
 *    bad stretch was written to its end with no hole of zeros: then nothing of it is missing, so it has changed.
 * 3. Else it is torn: unsynced writes may reach the disk in any order, so intact records behind a hole are ordinary.
 *    The log is cut there.
 */
import { equalBytes } from '../base/bytes.js'
import type { Hasher } from '../base/sha256.js'
import {
  chainSum,
  endsRecord,
  type Identity,
  type RecordHeader,
  type RecordKind,
  readPayload,
  readRecordHeader,
  readSegmentHeader,
  recordBytes,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
} from './format.js'
import { corrupt, WalError } from './refusal.js'

const SECTOR_BYTES = 512
const STEP_BYTES = 8

export interface RecoveredRecord {
  readonly kind: RecordKind
  readonly batch: number
  readonly durableBatch: number
  readonly lastIndex: number
  readonly payload: Uint8Array
  readonly file: string
  readonly offset: number
}

export interface Cut {
  readonly file: string
  readonly offset: number
  /** How many bytes are zeroed. */
  readonly bytes: number
  readonly reason: string
}

export interface SegmentFile {
  readonly name: string
  readonly number: number
  readonly bytes: Uint8Array
}

export interface ScannedSegment {
  readonly name: string
  readonly number: number
  readonly header: SegmentHeader
  readonly records: readonly RecoveredRecord[]
  /** Length of the used part. */
  readonly end: number
  readonly chain: number
  readonly lastIndex: number
  readonly lastBatch: number
  readonly cut: Cut | null
}

export interface Recovered {
  readonly segments: readonly ScannedSegment[]
  readonly records: readonly RecoveredRecord[]
  readonly cut: Cut | null
  readonly lastBatch: number
}

/** All segments in the order of their numbers. Throws WalError: a refusal, never a guess. */
export function recover(
  files: readonly SegmentFile[],
  identity: Identity | null,
  newHasher: () => Hasher,
): Recovered {
  const segments: ScannedSegment[] = []
  let lastBatch = 0
  for (const [i, file] of files.entries()) {
    const before = segments[i - 1]
    const header = checkHeader(file, identity)
    if (before !== undefined) checkChain(file, header, files[i - 1] as SegmentFile, newHasher)
    const isLast = i === files.length - 1
    const scanned = scan(file, header, { isLast, lastBatch, chain: before?.chain ?? null })
    if (before !== undefined && before.end !== header.previousEnd)
      throw corrupt(before.name, before.end, `the used part should end at ${header.previousEnd}`)
    segments.push(scanned)
    lastBatch = scanned.lastBatch
  }
  return {
    segments,
    records: segments.flatMap((segment) => segment.records),
    cut: segments.at(-1)?.cut ?? null,
    lastBatch,
  }
}

function checkHeader(file: SegmentFile, identity: Identity | null): SegmentHeader {
  const read = readSegmentHeader(file.bytes)
  if (read.type === 'newer')
    throw new WalError({
      code: 'WAL_NEWER_FORMAT',
      file: file.name,
      offset: 4,
      problem: `written in format ${read.version}, which this version does not know`,
      advice: 'Start it with the version that wrote it, or a later one',
    })
  if (read.type === 'bad') throw corrupt(file.name, 0, 'the header of the segment is damaged')
  const { header } = read
  if (header.number !== file.number)
    throw corrupt(file.name, 8, `this is segment ${header.number} under another name`)
  if (identity !== null) checkIdentity(file, header.identity, identity)
  return header
}

function checkIdentity(file: SegmentFile, found: Identity, wanted: Identity): void {
  for (const key of ['clusterId', 'nodeId', 'uid'] as const) {
    if (found[key] === wanted[key]) continue
    throw new WalError({
      code: 'WAL_FOREIGN',
      file: file.name,
      offset: 56,
      problem: `written by ${key} ${found[key]}, not ${wanted[key]}`,
      advice: 'Check --data-dir, --name, --initial-cluster and --initial-cluster-token',
    })
  }
}

function checkChain(
  file: SegmentFile,
  header: SegmentHeader,
  before: SegmentFile,
  newHasher: () => Hasher,
): void {
  if (before.number !== file.number - 1)
    throw corrupt(file.name, 8, `segment ${file.number - 1} is missing`)
  const hasher = newHasher()
  hasher.update(before.bytes.subarray(0, header.previousEnd))
  if (!equalBytes(hasher.digest(), header.previousHash))
    throw corrupt(before.name, 0, 'its hash is not the one that the next segment recorded')
}

interface ScanContext {
  readonly isLast: boolean
  readonly lastBatch: number
  /** The chain goes on from the segment before; null: the first one retained begins it. */
  readonly chain: number | null
}

function scan(file: SegmentFile, header: SegmentHeader, context: ScanContext): ScannedSegment {
  const { bytes, number, name } = file
  const records: RecoveredRecord[] = []
  let offset = SEGMENT_HEADER_BYTES
  let chain = context.chain
  let { lastBatch } = context
  let lastIndex = 0
  let cut: Cut | null = null
  for (;;) {
    const found = readRecordHeader(bytes, number, offset)
    const payload = found === null ? null : readPayload(bytes, offset, found)
    if (found !== null && payload !== null && (chain === null || found.previousSum === chain)) {
      const { kind, batch, durableBatch } = found
      records.push({
        kind,
        batch,
        durableBatch,
        lastIndex: found.lastIndex,
        payload,
        file: name,
        offset,
      })
      chain = chainSum(found)
      // A segment's State record bears the number of the batch behind it, which may be torn.
      if (kind !== 'state') lastBatch = batch
      lastIndex = Math.max(lastIndex, found.lastIndex)
      offset += recordBytes(found.length)
      continue
    }
    const used = usedBytes(bytes)
    if (used <= offset) break
    if (!context.isLast) throw corrupt(name, offset, 'a record is damaged')
    checkTorn(file, offset, { found, lastBatch, used })
    cut = { file: name, offset, bytes: used - offset, reason: 'an unfinished write' }
    break
  }
  return {
    name,
    number,
    header,
    records,
    end: offset,
    chain: chain ?? 0,
    lastIndex,
    lastBatch,
    cut,
  }
}

interface Bad {
  readonly found: RecordHeader | null
  readonly lastBatch: number
  readonly used: number
}

/** Throws if what lies at `offset` was promised, or was whole once. */
function checkTorn(file: SegmentFile, offset: number, bad: Bad): void {
  const { bytes, number, name } = file
  const batch = bad.found?.batch ?? bad.lastBatch + 1
  let next: number | null = null
  for (let at = offset + STEP_BYTES; at < bad.used; at += STEP_BYTES) {
    const behind = readRecordHeader(bytes, number, at)
    if (behind === null || readPayload(bytes, at, behind) === null) continue
    next ??= at
    if (behind.durableBatch >= batch)
      throw corrupt(
        name,
        offset,
        `a record of batch ${batch} is damaged, and the one at byte ${at} says that it was on disk`,
      )
    at += recordBytes(behind.length) - STEP_BYTES
  }
  const rest = next ?? Math.ceil(bad.used / STEP_BYTES) * STEP_BYTES
  const end = bad.found === null ? rest : offset + recordBytes(bad.found.length)
  if (endsRecord(bytes, end) && !hasHole(bytes, offset, end))
    throw corrupt(name, offset, 'a record was written whole and has changed since')
}

/**
 * Does a sector's share of the stretch end in zeros? Then what belongs there may never have reached the disk: the
 * sector was not written, or written back between the two halves of a short write. (A record may hold a zero just
 * there; then its change is not noticed unless something behind it vouches for it.)
 */
function hasHole(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; ) {
    const end = Math.min(to, (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES)
    if (bytes[end - 1] === 0) return true
    at = end
  }
  return false
}

/** Up to the last byte that is not zero. */
function usedBytes(bytes: Uint8Array): number {
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === 0) end--
  return end
}
