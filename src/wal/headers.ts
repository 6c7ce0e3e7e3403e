/**
 * Which segments there are and whose they are. A log of somebody else, or in another format, is refused here; a
 * header that is damaged is not: the file's name, its neighbours and the records' own checksums tell the rest.
 */
import { corrupt, WalError } from './refusal.js'
import {
  FORMAT_VERSION,
  type Identity,
  readSegmentHeader,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
} from './segment-header.js'

export interface SegmentFile {
  readonly name: string
  readonly number: number
  readonly bytes: Uint8Array
}

/** A segment's file and what its header says. */
export interface Headed {
  readonly file: SegmentFile
  /** Null: it is damaged, or it is the header of another segment. */
  readonly header: SegmentHeader | null
  /** Length the file was made with, as far as it can be told. */
  readonly capacity: number
  /** What the file as such would be refused for; null: nothing. */
  readonly error: WalError | null
  /** No record of it is to be believed. */
  readonly isAlien: boolean
}

export interface HeaderOptions {
  /** Null: anybody's. */
  readonly identity: Identity | null
  /** Length of a segment made now; null: not known. */
  readonly segmentBytes?: number | null
}

/** Throws WalError: foreign, of another format, or no header is left to say whose log it is. */
export function readHeaders(
  files: readonly SegmentFile[],
  options: HeaderOptions,
): { readonly headed: readonly Headed[]; readonly identity: Identity | null } {
  const headers = files.map((file) => headerOf(file, options.identity))
  const identity = options.identity ?? headers.find((header) => header !== null)?.identity ?? null
  const [first] = files
  if (identity === null && first !== undefined) throw damagedHeader(first)
  const lengths = new Set(headers.flatMap((header) => (header === null ? [] : [header.capacity])))
  if (options.segmentBytes) lengths.add(options.segmentBytes)
  const headed = files.map((file, i) => head(file, headers[i] ?? null, lengths))
  return { headed, identity }
}

function head(
  file: SegmentFile,
  header: SegmentHeader | null,
  lengths: ReadonlySet<number>,
): Headed {
  const { length } = file.bytes
  if (header === null) {
    // How long it was made is not known: it may be cut short where no other segment is of this length.
    const isAlien = length < SEGMENT_HEADER_BYTES || !lengths.has(length)
    return { file, header, capacity: length, error: damagedHeader(file), isAlien }
  }
  const { capacity } = header
  if (header.number !== file.number) {
    const error = corrupt(file.name, 8, `this is segment ${header.number} under another name`)
    return { file, header: null, capacity, error, isAlien: true }
  }
  if (length >= capacity) return { file, header, capacity, error: null, isAlien: false }
  const problem = `the file was made ${capacity} bytes long, and ends here`
  return { file, header, capacity, error: corrupt(file.name, length, problem), isAlien: false }
}

function damagedHeader(file: SegmentFile): WalError {
  return corrupt(file.name, 0, 'the header of the segment is damaged')
}

/** Null: it is damaged. */
function headerOf(file: SegmentFile, identity: Identity | null): SegmentHeader | null {
  const read = readSegmentHeader(file.bytes)
  switch (read.type) {
    case 'newer':
    case 'older':
      throw otherFormat(file, read.type, read.version)
    case 'bad':
      return null
    case 'ok':
      if (identity !== null) checkIdentity(file, read.header.identity, identity)
      return read.header
  }
}

function otherFormat(file: SegmentFile, type: 'newer' | 'older', version: number): WalError {
  const isNewer = type === 'newer'
  return new WalError({
    code: isNewer ? 'WAL_NEWER_FORMAT' : 'WAL_OLDER_FORMAT',
    file: file.name,
    offset: 4,
    problem: isNewer
      ? `written in format ${version}, which this version does not know`
      : `written in format ${version}; this version reads ${FORMAT_VERSION} alone`,
    advice: isNewer
      ? 'Start it with the version that wrote it, or a later one'
      : 'No release wrote it: replace the node by a new member',
    entries: null,
  })
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
