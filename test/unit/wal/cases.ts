/** A log of several segments, and a second opinion on what must be left of it after a mutation. */
import { EMPTY, equalBytes } from '../../../src/base/bytes.js'
import { nextInt, seededRandom } from '../../../src/base/random.js'
import { readRecordHeader, recordBytes } from '../../../src/wal/record.js'
import {
  type Lost,
  type Recovered,
  type RecoveredRecord,
  recover,
  type SegmentFile,
} from '../../../src/wal/recovery.js'
import { WalError } from '../../../src/wal/refusal.js'
import { saltOf } from '../../../src/wal/segment-header.js'
import {
  aboutOf,
  DIR,
  IDENTITY,
  type Item,
  memory,
  nativeHasher,
  opened,
  SEGMENT_BYTES,
  segmentPaths,
  shapeOf,
} from './support.js'

export const RECOVER = { identity: IDENTITY, newHasher: nativeHasher, segmentBytes: SEGMENT_BYTES }

export interface Original {
  readonly files: readonly SegmentFile[]
  readonly records: readonly RecoveredRecord[]
  /** `promised[i]`: record i says that so many records were on disk when it was written. */
  readonly promised: readonly number[]
}

/** Payloads of all sorts: empty, zeros, ones that look like records' ends, random bytes, large. */
function mixedPayload(batch: number): Uint8Array {
  const random = seededRandom(batch)
  if (batch % 11 === 0) return EMPTY
  if (batch % 7 === 0) return new Uint8Array(nextInt(random, 1, 300))
  if (batch % 13 === 0) return new Uint8Array(64).fill(0x52)
  const bytes = new Uint8Array(nextInt(random, 1, batch % 17 === 0 ? 1_400 : 160))
  return bytes.map(() => nextInt(random, 0, 255))
}

/**
 * Turns of one to nine batches, appended while the sync before is under way or not, with marks between; the last one
 * has six, behind a mark. `marked`: it is closed by a mark too.
 */
export function mixedLog(options: { readonly marked: boolean }): Original {
  const disk = memory()
  const { wal } = opened(disk)
  const random = seededRandom(options.marked ? 5 : 6)
  let batch = 0
  const turn = (batches: number, segments: number): void => {
    for (let left = batches; left > 0 && wal.counters.segments < segments; left--) {
      const payload = mixedPayload(++batch)
      const state = () => mixedPayload(batch * 7 + 1)
      wal.append(batch, payload, aboutOf(batch, state, batch % 5 === 0 ? 0 : batch))
    }
    wal.sync(() => {})
  }
  const mark = (): void => {
    disk.turns.drain()
    wal.mark()
    disk.turns.drain()
  }
  while (wal.counters.segments < 3) {
    turn(nextInt(random, 1, 9), 3)
    if (nextInt(random, 0, 2) === 0) mark()
    else disk.turns.step()
  }
  turn(5, 4)
  mark()
  turn(6, 4)
  disk.turns.drain()
  if (options.marked) mark()
  const files = segmentPaths(disk.fs).map((path, i) => ({
    name: path.slice(DIR.length + 1),
    number: i + 1,
    bytes: disk.fs.content(path)!,
  }))
  const { items } = recover(files, RECOVER)
  const records = items as RecoveredRecord[]
  const promised = records.map((record, i) => {
    const { bytes, number: segment } = files.find(({ name }) => name === record.file)!
    const place = { salt: saltOf(IDENTITY), segment, offset: record.offset }
    const behind = readRecordHeader(bytes, place)!.behindDurable ? i : 0
    const { durableBatch } = record
    const durable = records.findLastIndex(
      ({ kind, batch: its }) => kind !== 'mark' && its <= durableBatch,
    )
    return Math.max(behind, durable + 1)
  })
  return {
    files,
    records: records.map((one) => ({ ...one, payload: one.payload.slice() })),
    promised,
  }
}

/** The copy's record `i` is changed from byte `from` to byte `to`. */
export interface Touched {
  readonly file: number
  readonly from: number
  readonly to: number
}

/**
 * `healed`: some of it is missing, and a shape tells what. `prefix`: the end is, as a torn tail. `harmless`: nothing
 * is, and yet damage is told.
 */
export type Verdict = 'all' | 'harmless' | 'healed' | 'prefix' | 'refused'

/**
 * Recovers `files` and holds the result against the original: never a wrong record, all in order; where some are
 * missing between others stands one Lost with the shape behind a batch that is none of them nor before them; what an
 * untouched record behind vouches for is there, or lost in this way, or the log is refused by name.
 */
export function judge(
  original: Original,
  files: readonly SegmentFile[],
  touched: Touched,
): Verdict {
  let recovered: Recovered
  try {
    recovered = recover(files, RECOVER)
  } catch (error) {
    if (!(error instanceof WalError)) throw error
    if (!/^wal-[0-9a-f]{14}\.seg$/.test(error.refusal.file)) throw new Error('no file is named')
    return 'refused'
  }
  try {
    return judgeItems(original, recovered, vouchedFor(original, touched))
  } catch (error) {
    throw new Error(`${(error as Error).message}: ${JSON.stringify(touched)}`)
  }
}

function judgeItems(original: Original, recovered: Recovered, vouched: number): Verdict {
  const { records } = original
  let next = 0
  let lost: Lost | null = null
  let healed = false
  for (const [i, item] of recovered.items.entries()) {
    if (item.kind === 'lost') {
      if (lost !== null) throw new Error('two Losts, nothing between them')
      lost = item
      continue
    }
    const at = records.findIndex((one, n) => n >= next && isSame(one, item))
    if (at < 0) throw new Error(`item ${i} is a wrong record`)
    const missing = records.slice(next, at)
    const counts = missing.some(({ kind }) => kind === 'batch' || kind === 'state')
    if (counts && lost === null) throw new Error(`records before ${i} are missing in silence`)
    if (missing.length === 0 && lost !== null) throw new Error('lost, and nothing is missing')
    if (lost !== null) checkShape(lost, missing, recovered.items.slice(i))
    healed ||= lost !== null
    lost = null
    next = at + 1
  }
  if (lost !== null) throw new Error('lost, and nothing behind it')
  if (healed && recovered.damage === null) throw new Error('healed in silence')
  if (next < vouched) throw new Error(`${next} of ${vouched} promised`)
  if (healed) return 'healed'
  if (next < records.length) return 'prefix'
  return recovered.damage === null ? 'all' : 'harmless'
}

function isSame(a: RecoveredRecord, b: RecoveredRecord): boolean {
  if (a.file !== b.file || a.offset !== b.offset || a.kind !== b.kind) return false
  return a.batch === b.batch && a.lastIndex === b.lastIndex && equalBytes(a.payload, b.payload)
}

/** What the log looked like is known by the number of the batch: `shapeOf` is of a batch, whatever is on the disk. */
function checkShape(
  lost: Lost,
  missing: readonly RecoveredRecord[],
  behind: readonly Item[],
): void {
  const shapes = behind.filter(({ kind }) => kind === 'shape' || kind === 'mark')
  const [first] = shapes as RecoveredRecord[]
  if (first === undefined) throw new Error('lost, and no shape behind it')
  if (!equalBytes(lost.shape, shapeOf(first.batch))) throw new Error('a wrong shape')
  for (const { kind, batch } of missing)
    if (kind !== 'state' && batch > first.batch) throw new Error('a shape of before the damage')
}

/** How many records were promised by those that the mutation left alone, and by the segments' own chain. */
function vouchedFor(original: Original, touched: Touched): number {
  const { files, records, promised } = original
  const last = files[files.length - 1]!.name
  let count = records.findIndex((record) => record.file === last)
  for (const [i, { file, offset, payload }] of records.entries()) {
    const there = file === files[touched.file]?.name
    const hit = there && offset < touched.to && offset + recordBytes(payload.length) > touched.from
    if (!hit) count = Math.max(count, promised[i]!)
  }
  return count
}

/** The files with one of them replaced. */
export function withFile(original: Original, i: number, bytes: Uint8Array): SegmentFile[] {
  return original.files.map((file, j) => (j === i ? { ...file, bytes } : file))
}
