/** The files of a log: names, creation, adoption. Whatever is not a segment or a spare is left alone. */
import { type Done, type File, type FileSystem, writeAll } from './file-system.js'
import { SEGMENT_HEADER_BYTES, type SegmentHeader, writeSegmentHeader } from './segment-header.js'

const NAME = /^wal-([0-9a-f]{14})\.seg$/
/** Preallocated ahead of need; means nothing until it has a header and a segment's name. */
export const SPARE_NAME = 'wal-spare.tmp'
const PIECE_BYTES = 1024 * 1024

export function segmentName(number: number): string {
  return `wal-${number.toString(16).padStart(14, '0')}.seg`
}

/** Null: not the name of a segment. */
export function segmentNumber(name: string): number | null {
  const match = NAME.exec(name)
  return match?.[1] === undefined ? null : Number.parseInt(match[1], 16)
}

/** Length of a segment with room for so many bytes of records, a mark and a seal among them: maybe more than others. */
export function capacityFor(segmentBytes: number, recordsBytes: number): number {
  return Math.max(segmentBytes, SEGMENT_HEADER_BYTES + recordsBytes)
}

export interface SpareOptions {
  readonly size: number
  /** Asked before each piece: when not, the file is closed and null comes back without an error. */
  readonly wanted: () => boolean
}

/** A file of zeros, on disk: later syncs write data alone, and what was never written reads as zeros. */
export function createSpare(
  fs: FileSystem,
  dir: string,
  options: SpareOptions,
  done: Done<File>,
): void {
  const zeros = new Uint8Array(Math.min(PIECE_BYTES, options.size))
  fs.open(`${dir}/${SPARE_NAME}`, 'create', (error, file) => {
    if (error !== null || file === null) return done(error, null)
    const fill = (at: number): void => {
      if (!options.wanted()) return file.close(() => done(null, null))
      if (at >= options.size) {
        file.datasync((failed) => done(failed, failed === null ? file : null))
        return
      }
      const piece = zeros.subarray(0, Math.min(zeros.length, options.size - at))
      writeAll(file, at, piece, (failed) => {
        if (failed !== null) done(failed, null)
        else fill(at + piece.length)
      })
    }
    fill(0)
  })
}

export interface Adoption {
  readonly fs: FileSystem
  readonly dir: string
  /** The continuation of one call: it decides whether to go on. */
  readonly then: (next: () => void) => Done<unknown>
}

/** Makes the spare a segment: header, sync, name, directory; only then may records be appended. */
export function adoptSpare(
  adoption: Adoption,
  spare: File,
  header: SegmentHeader,
  done: (written: Uint8Array) => void,
): void {
  const { fs, dir, then } = adoption
  const bytes = writeSegmentHeader(header)
  const name = segmentName(header.number)
  const sync = (): void => spare.datasync(then(rename))
  const rename = (): void => fs.rename(`${dir}/${SPARE_NAME}`, `${dir}/${name}`, then(syncNames))
  const syncNames = (): void =>
    fs.syncDirectory(
      dir,
      then(() => done(bytes)),
    )
  writeAll(spare, 0, bytes, then(sync))
}
