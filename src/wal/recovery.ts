/**
 * Reads the segments of a log back: each is whose it says, where it belongs, as long as it was made, and the one that
 * the next one's hash names. Only the last may end in an unfinished write: the one before was synced whole before it
 * was begun. Throws WalError: a refusal, never a guess.
 */
import { equalBytes } from '../base/bytes.js'
import type { Hasher } from '../base/sha256.js'
import { type Cut, damaged, judgeTail, type Stretch } from './damage.js'
import { chainSum, type RecordKind, readPayload, readRecordHeader, recordBytes } from './record.js'
import { corrupt, WalError } from './refusal.js'
import {
  type Identity,
  readSegmentHeader,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  saltOf,
} from './segment-header.js'

export interface RecoveredRecord {
  readonly kind: RecordKind
  readonly batch: number
  readonly durableBatch: number
  readonly lastIndex: number
  readonly payload: Uint8Array
  readonly file: string
  readonly offset: number
}

/** Stands where a stretch of the log is damaged. */
export interface Lost {
  readonly kind: 'lost'
  /** The first intact one behind the stretch: how the log looked there. */
  readonly shape: Uint8Array
}

/** What is damaged, and can be healed since a shape stands behind it. */
export interface DamagedStretch {
  readonly file: string
  readonly offset: number
  /** What the log would be refused with if it could not be healed. */
  readonly error: WalError
  /** Nothing but padding or the like: all records are there. */
  readonly harmless: boolean
}

export interface Damage {
  /** Of the first stretch. */
  readonly error: WalError
  readonly stretches: readonly DamagedStretch[]
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
  /** Length of the used part; a seal lies behind it. */
  readonly end: number
  readonly chain: number
  readonly lastIndex: number
  readonly cut: Cut | null
}

export interface Recovered {
  readonly segments: readonly ScannedSegment[]
  readonly records: readonly RecoveredRecord[]
  readonly cut: Cut | null
  readonly lastBatch: number
}

export interface RecoverOptions {
  /** Null: anybody's. */
  readonly identity: Identity | null
  readonly newHasher: () => Hasher
  /** Filled as records are found: what is in it when a refusal is thrown was intact up to there. */
  readonly found?: RecoveredRecord[]
}

/** What the segments read so far tell about the next one. */
interface Progress {
  readonly found: RecoveredRecord[]
  /** Null before the first record: the first segment retained goes on from one that is gone. */
  chain: number | null
  lastBatch: number
  lastIndex: number
}

/** All segments, in the order of their numbers. */
export function recover(files: readonly SegmentFile[], options: RecoverOptions): Recovered {
  const { identity, newHasher, found = [] } = options
  const headers = files.map((file) => checkHeader(file, identity))
  for (const [i, file] of files.entries())
    if (i > 0 && files[i - 1]?.number !== file.number - 1)
      throw corrupt(file.name, 8, `segment ${file.number - 1} is missing`)
  const progress: Progress = { found, chain: null, lastBatch: 0, lastIndex: 0 }
  const segments: ScannedSegment[] = []
  for (const [i, file] of files.entries()) {
    const header = headers[i] as SegmentHeader
    const next = headers[i + 1] ?? null
    segments.push(scan(file, { header, next }, progress))
    if (next !== null) checkHash(file, next, newHasher)
  }
  const cut = segments.at(-1)?.cut ?? null
  return { segments, records: found, cut, lastBatch: progress.lastBatch }
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
      entries: null,
    })
  if (read.type === 'bad') throw corrupt(file.name, 0, 'the header of the segment is damaged')
  const { header } = read
  if (header.number !== file.number)
    throw corrupt(file.name, 8, `this is segment ${header.number} under another name`)
  if (identity !== null) checkIdentity(file, header.identity, identity)
  const { length } = file.bytes
  if (length < header.capacity)
    throw corrupt(
      file.name,
      length,
      `the file was made ${header.capacity} bytes long, and ends here`,
    )
  return header
}

function checkIdentity(file: SegmentFile, found: Identity, wanted: Identity): void {
  for (const key of ['clusterId', 'nodeId', 'uid'] as const) {
    if (found[key] === wanted[key]) continue
    throw new WalError({
      code: 'WAL_FOREIGN',
      file: file.name,
      offset: 64,
      problem: `written by ${key} ${found[key]}, not ${wanted[key]}`,
      advice: 'Check --data-dir, --name, --initial-cluster and --initial-cluster-token',
      entries: null,
    })
  }
}

/** Finds what the records' own checksums do not cover: padding, trailers, another whole segment in this place. */
function checkHash(file: SegmentFile, next: SegmentHeader, newHasher: () => Hasher): void {
  const hasher = newHasher()
  hasher.update(file.bytes.subarray(0, next.previousEnd))
  if (!equalBytes(hasher.digest(), next.previousHash))
    throw corrupt(file.name, 0, 'its hash is not the one that the next segment recorded')
}

interface Headers {
  readonly header: SegmentHeader
  /** Null: this is the last segment. */
  readonly next: SegmentHeader | null
}

function scan(file: SegmentFile, headers: Headers, progress: Progress): ScannedSegment {
  const { number, name } = file
  const { header, next } = headers
  const bytes = file.bytes.subarray(0, header.capacity)
  const salt = saltOf(header.identity)
  const first = progress.found.length
  let offset = SEGMENT_HEADER_BYTES
  let segmentIndex = 0
  let cut: Cut | null = null
  while (next === null || offset < next.previousEnd) {
    const found = readRecordHeader(bytes, { salt, segment: number, offset })
    const payload = found === null ? null : readPayload(bytes, offset, found)
    if (found === null || payload === null) {
      const { lastBatch, lastIndex } = progress
      const stretch: Stretch = { name, number, salt, bytes, offset, found, lastBatch, lastIndex }
      if (next !== null) throw damaged(stretch, 'damaged')
      cut = judgeTail(stretch)
      break
    }
    // Whole, in its place, and not the successor of the one before: no crash leaves that.
    if (progress.chain !== null && found.previousSum !== progress.chain)
      throw corrupt(name, offset, 'the record before this one is not the one it was written after')
    const { kind, batch, durableBatch, lastIndex } = found
    if (kind === 'seal') {
      const problem =
        next === null ? `segment ${number + 1} is missing` : 'the segment ends before it should'
      throw corrupt(name, offset, problem, { after: progress.lastIndex, through: null })
    }
    progress.found.push({ kind, batch, durableBatch, lastIndex, payload, file: name, offset })
    progress.chain = chainSum(found)
    // A segment's State record bears the number of the batch behind it, which may be torn.
    if (kind !== 'state') progress.lastBatch = batch
    segmentIndex = Math.max(segmentIndex, lastIndex)
    progress.lastIndex = Math.max(progress.lastIndex, lastIndex)
    offset += recordBytes(found.length)
  }
  if (next !== null && offset !== next.previousEnd)
    throw corrupt(name, offset, `the used part should end at byte ${next.previousEnd}`)
  const records = progress.found.slice(first)
  const chain = progress.chain ?? 0
  return { name, number, header, records, end: offset, chain, lastIndex: segmentIndex, cut }
}
