/** The files of a log: names, creation, removal. Whatever is not a segment or a spare is left alone. */
import { type Done, type File, type FileSystem, writeAll } from './file-system.js'
import { SEGMENT_HEADER_BYTES, type SegmentHeader, writeSegmentHeader } from './format.js'

const NAME = /^wal-([0-9a-f]{14})\.seg$/
/** Preallocated ahead of need; means nothing until it has a header and a segment's name. */
export const SPARE_NAME = 'wal-spare.tmp'
const ZEROS = new Uint8Array(1024 * 1024)

export function segmentName(number: number): string {
  return `wal-${number.toString(16).padStart(14, '0')}.seg`
}

/** Null: not the name of a segment. */
export function segmentNumber(name: string): number | null {
  const match = NAME.exec(name)
  return match?.[1] === undefined ? null : Number.parseInt(match[1], 16)
}

/** A file of zeros, on disk: later syncs write data alone, and what was never written reads as zeros. */
export function createSpare(fs: FileSystem, dir: string, size: number, done: Done<File>): void {
  fs.open(`${dir}/${SPARE_NAME}`, 'create', (error, file) => {
    if (error !== null || file === null) return done(error, null)
    const fill = (at: number): void => {
      if (at >= size) {
        file.datasync((failed) => done(failed, failed === null ? file : null))
        return
      }
      const zeros = ZEROS.subarray(0, Math.min(ZEROS.length, size - at))
      writeAll(file, at, zeros, (failed) => {
        if (failed !== null) done(failed, null)
        else fill(at + zeros.length)
      })
    }
    fill(0)
  })
}

/** Makes the spare a segment: header, sync, name, directory; only then may records be appended. */
export function adoptSpare(
  fs: FileSystem,
  dir: string,
  spare: File,
  header: SegmentHeader,
  done: (error: Parameters<Done<void>>[0], written: Uint8Array) => void,
): void {
  const bytes = writeSegmentHeader(header)
  writeAll(spare, 0, bytes, (failed) => {
    if (failed !== null) return done(failed, bytes)
    spare.datasync((unsynced) => {
      if (unsynced !== null) return done(unsynced, bytes)
      fs.rename(`${dir}/${SPARE_NAME}`, `${dir}/${segmentName(header.number)}`, (unnamed) => {
        if (unnamed !== null) return done(unnamed, bytes)
        fs.syncDirectory(dir, (lost) => done(lost, bytes))
      })
    })
  })
}

/** Room for a record of this size in a segment of its own, at least. */
export function capacityFor(segmentBytes: number, recordsBytes: number): number {
  return Math.max(segmentBytes, SEGMENT_HEADER_BYTES + recordsBytes)
}

/** One after the other, then the directory. */
export function removeSegments(
  fs: FileSystem,
  dir: string,
  numbers: readonly number[],
  done: Done<void>,
): void {
  const [first, ...rest] = numbers
  if (first === undefined) return fs.syncDirectory(dir, done)
  fs.unlink(`${dir}/${segmentName(first)}`, (error) => {
    if (error !== null && error.code !== 'ENOENT') return done(error, null)
    removeSegments(fs, dir, rest, done)
  })
}
