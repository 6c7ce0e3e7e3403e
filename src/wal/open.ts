/** Opens a log: reads it whole, cuts a torn tail, syncs what is kept; or begins a new one. */
import { present } from '../base/assert.js'
import { concat, EMPTY } from '../base/bytes.js'
import type { Cut } from './damage.js'
import {
  type Done,
  type File,
  type FileError,
  type FileSystem,
  parentOf,
  readWhole,
  writeAll,
} from './file-system.js'
import { EMPTY_RECORD_BYTES, RECORD_ALIGN, writeRecord } from './record.js'
import {
  type Damage,
  type Lost,
  type Recovered,
  type RecoveredRecord,
  recover,
  type SegmentFile,
} from './recovery.js'
import { ioError, WalError } from './refusal.js'
import { FORMAT_VERSION, SEGMENT_HEADER_BYTES, saltOf } from './segment-header.js'
import { adoptSpare, createSpare, SPARE_NAME, segmentName, segmentNumber } from './segments.js'
import { Wal, type WalOptions } from './wal.js'

export interface Opened {
  readonly wal: Wal
  /** In order, each segment's opening State record included; marks and shapes left out. */
  readonly records: readonly (RecoveredRecord | Lost)[]
  readonly cut: Cut | null
  /** What is damaged: a Lost stands for each stretch that held something. It is there again at the next start. */
  readonly damage: Damage | null
}

export type OpenDone = (error: WalError | null, opened: Opened | null) => void

export function openWal(fs: FileSystem, dir: string, options: WalOptions, done: OpenDone): void {
  const failed = (error: FileError): void => done(ioError(error), null)
  fs.mkdir(dir, (unmade) => {
    if (unmade !== null) return failed(unmade)
    // Or a power loss could take the folder with all that was synced in it.
    fs.syncDirectory(parentOf(dir), (unnamed) => {
      if (unnamed !== null) return failed(unnamed)
      readSegments(fs, dir, (unread, files) => {
        if (unread !== null || files === null) return failed(present(unread))
        if (files.length === 0) return beginLog(fs, dir, options, done)
        const { identity, newHasher } = options
        const { segmentBytes } = options
        const recovered = attempt(() => recover(files, { identity, newHasher, segmentBytes }))
        if (recovered instanceof WalError) return done(recovered, null)
        goOn(fs, dir, options, { files, recovered }, done)
      })
    })
  })
}

/** Every segment's bytes, by number. */
export function readSegments(fs: FileSystem, dir: string, done: Done<SegmentFile[]>): void {
  fs.list(dir, (error, names) => {
    if (error !== null || names === null) return done(error, null)
    const numbers = names.map(segmentNumber).filter((number) => number !== null)
    numbers.sort((a, b) => a - b)
    readNext(fs, dir, { numbers, files: [] }, done)
  })
}

function readNext(
  fs: FileSystem,
  dir: string,
  state: { readonly numbers: readonly number[]; readonly files: SegmentFile[] },
  done: Done<SegmentFile[]>,
): void {
  const number = state.numbers[state.files.length]
  if (number === undefined) return done(null, state.files)
  const name = segmentName(number)
  fs.open(`${dir}/${name}`, 'existing', (error, file) => {
    if (error !== null || file === null) return done(error, null)
    readWhole(file, (unread, bytes) => {
      file.close(() => {})
      if (unread !== null || bytes === null) return done(unread, null)
      state.files.push({ name, number, bytes })
      readNext(fs, dir, state, done)
    })
  })
}

function beginLog(fs: FileSystem, dir: string, options: WalOptions, done: OpenDone): void {
  const { identity, segmentBytes, newHasher } = options
  const header = {
    version: FORMAT_VERSION,
    number: 1,
    identity,
    previousHash: new Uint8Array(32),
    previousEnd: 0,
    capacity: segmentBytes,
  }
  const then =
    (next: () => void): Done<unknown> =>
    (error) => {
      if (error !== null) done(ioError(error), null)
      else next()
    }
  createSpare(fs, dir, { size: segmentBytes, wanted: () => true }, (error, spare) => {
    if (error !== null || spare === null) return done(ioError(present(error)), null)
    adoptSpare({ fs, dir, then }, spare, header, (written) => {
      const hasher = newHasher()
      hasher.update(written)
      const wal = new Wal(fs, dir, options, {
        file: spare,
        number: 1,
        capacity: segmentBytes,
        end: SEGMENT_HEADER_BYTES,
        chain: 0,
        opened: false,
        lastKind: null,
        hasher,
        segments: [{ number: 1, lastIndex: 0, hasState: false }],
        stateIn: 0,
        lastBatch: 0,
        highestIndex: 0,
        shape: EMPTY,
      })
      done(null, { wal, records: [], cut: null, damage: null })
    })
  })
}

interface Found {
  readonly files: readonly SegmentFile[]
  readonly recovered: Recovered
}

/** Cuts, syncs and goes on in the last segment: what was read from the system's cache is not yet on disk. */
function goOn(
  fs: FileSystem,
  dir: string,
  options: WalOptions,
  found: Found,
  done: OpenDone,
): void {
  const { recovered, files } = found
  const last = present(recovered.segments.at(-1))
  const bytes = present(files.at(-1)).bytes
  const failed = (error: FileError): void => done(ioError(error), null)
  fs.open(`${dir}/${last.name}`, 'existing', (error, file) => {
    if (error !== null || file === null) return failed(present(error))
    cutTail(file, recovered.cut, (uncut) => {
      if (uncut !== null) return failed(uncut)
      const closing = closingShape(recovered, saltOf(options.identity))
      writeAgain(file, { recovered, bytes, closing: closing.bytes }, (unsynced) => {
        if (unsynced !== null) return failed(unsynced)
        dropSpare(fs, dir, (undropped) => {
          if (undropped !== null) return failed(undropped)
          const hasher = options.newHasher()
          hasher.update(bytes.subarray(0, last.end))
          hasher.update(closing.bytes)
          const wal = new Wal(fs, dir, options, {
            file,
            number: last.number,
            capacity: last.capacity,
            end: last.end + closing.bytes.length,
            chain: closing.chain,
            opened: last.end > SEGMENT_HEADER_BYTES,
            lastKind: closing.bytes.length > 0 ? 'shape' : recovered.lastKind,
            hasher,
            segments: recovered.segments,
            stateIn: recovered.segments.findLast(({ hasState }) => hasState)?.number ?? 0,
            lastBatch: recovered.lastBatch,
            highestIndex: recovered.highestIndex,
            shape: recovered.shape,
          })
          const { cut, damage } = recovered
          const records = recovered.items.filter(({ kind }) => kind !== 'mark' && kind !== 'shape')
          done(null, { wal, records, cut, damage })
        })
      })
    })
  })
}

/**
 * First the first bytes, and on disk: power lost while the rest is zeroed must leave what is still an unfinished write.
 * 1. A record was torn before its end; its payload looks like many ends of records. 2. Zeros are written over it, and power
 * is lost when only some sectors have them, its header's among them. 3. What is left ends like a record, without a hole.
 * Nothing tells any more that it went on, and it looks like one that was written whole and has changed.
 */
function cutTail(file: File, cut: Cut | null, done: Done<void>): void {
  if (cut === null) return done(null, null)
  const { offset, bytes } = cut
  const first = Math.min(bytes, RECORD_ALIGN)
  writeAll(file, offset, new Uint8Array(first), (unwritten) => {
    if (unwritten !== null) return done(unwritten, null)
    file.datasync((unsynced) => {
      if (unsynced !== null) return done(unsynced, null)
      writeAll(file, offset + first, new Uint8Array(bytes - first), done)
    })
  })
}

/**
 * 1. A sync fails: the system takes the pages for clean all the same. 2. The process ends, and is started again.
 * 3. It reads them from the cache, syncs, which succeeds and writes nothing, and acknowledges. 4. Power is lost.
 * So what nothing vouches for is written once more before it is synced: all behind the last batch that is vouched for,
 * marks included, since what is appended behind one that is not there would look like damage.
 */
function writeAgain(
  file: File,
  tail: { readonly recovered: Recovered; readonly bytes: Uint8Array; readonly closing: Uint8Array },
  done: Done<void>,
): void {
  const { recovered, bytes, closing } = tail
  const last = present(recovered.segments.at(-1))
  const records = recovered.items.filter((item) => item.kind !== 'lost')
  const vouched = records.reduce((most, { durableBatch }) => Math.max(most, durableBatch), 0)
  const inLast = records.filter((record) => record.file === last.name)
  const kept = inLast.findLastIndex(({ kind, batch }) => kind === 'batch' && batch <= vouched)
  const from = inLast[kept + 1]?.offset ?? last.end
  writeAll(file, from, concat([bytes.subarray(from, last.end), closing]), (unwritten) => {
    if (unwritten !== null) done(unwritten, null)
    else file.datasync(done)
  })
}

/**
 * An empty shape behind a last batch that has none, and its chain sum; no bytes where there is nothing to close.
 * 1. A batch is whole, its shape is torn, and is cut off. 2. The next batch is torn too, its shape is not. 3. That shape says
 * that the first batch is on disk. 4. The torn one lies where the shape of the first belongs, which would be damage.
 */
function closingShape(recovered: Recovered, salt: number): { bytes: Uint8Array; chain: number } {
  const { lastKind, lastBatch, highestIndex, chain } = recovered
  if (lastKind !== 'batch') return { bytes: EMPTY, chain }
  const last = present(recovered.segments.at(-1))
  const bytes = new Uint8Array(EMPTY_RECORD_BYTES)
  const place = { salt, segment: last.number, offset: last.end }
  const durableBatch = 0
  const about = { batch: lastBatch, durableBatch, behindDurable: false, lastIndex: highestIndex }
  const record = { kind: 'shape', ...about, previousSum: chain, payload: EMPTY } as const
  return { bytes, chain: writeRecord(bytes, 0, place, record) }
}

function dropSpare(fs: FileSystem, dir: string, done: Done<void>): void {
  fs.unlink(`${dir}/${SPARE_NAME}`, (error) => {
    if (error !== null && error.code !== 'ENOENT') return done(error, null)
    fs.syncDirectory(dir, done)
  })
}

function attempt<T>(act: () => T): T | WalError {
  try {
    return act()
  } catch (error) {
    if (error instanceof WalError) return error
    throw error
  }
}
