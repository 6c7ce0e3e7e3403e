/** A node's log, read from outside and shown record by record. */
import { existsSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Sha256 } from '../base/sha256.js'
import type { Configuration, SnapshotMeta } from '../consensus/contract.js'
import { decodeRecords } from '../consensus/raft/codec.js'
import type { WalRecord } from '../consensus/raft/records.js'
import { nodeFileSystem } from '../node/file-system.js'
import { protocols } from '../protocols.js'
import { type Inspection, inspectWal } from '../wal/inspect.js'
import type { WalError } from '../wal/refusal.js'
import { CliError, EXIT, usageError } from './errors.js'

type Item = Inspection['recovered']['items'][number]
type Lost = Extract<Item, { readonly kind: 'lost' }>
export type RecoveredRecord = Exclude<Item, Lost>

export interface Inspected extends Inspection {
  /** What a node would refuse the log with; null: it would start, with the help of its peers where it is damaged. */
  readonly refusal: WalError | null
}

/** The folder with the segments: the one given, or `wal` in it. Throws CliError. */
export function walFolder(dir: string): string {
  const path = resolve(dir)
  if (!existsSync(path)) throw usageError(`wal: there is no folder ${path}`)
  if (!statSync(path).isDirectory()) throw usageError(`wal: ${path} is a file, not a folder`)
  const inner = join(path, 'wal')
  return existsSync(inner) ? inner : path
}

/** Throws CliError: 8 when the log cannot be read, 7 when it is not for this version to read, 2 when there is none. */
export function inspect(dir: string): Promise<Inspected> {
  return new Promise((done, reject) => {
    inspectWal(
      nodeFileSystem,
      dir,
      () => new Sha256(),
      (error, inspection) => {
        if (inspection !== null && inspection.recovered.segments.length > 0)
          done({ ...inspection, refusal: error })
        else if (error !== null) reject(new CliError(exitCodeOf(error), error.message))
        else reject(usageError(`wal: there is no log in ${dir}`))
      },
    )
  })
}

function exitCodeOf(error: WalError): number {
  return error.refusal.code === 'WAL_IO' ? EXIT.disk : EXIT.dataRefused
}

/** What a record's bytes mean; refuses bytes that mean nothing. Shapes and marks hold none of the protocol's. */
export function decoded(record: RecoveredRecord): WalRecord[] {
  if (record.kind === 'shape' || record.kind === 'mark') return []
  const records = decodeRecords(record.payload)
  if (records !== null) return records
  throw new CliError(
    EXIT.dataRefused,
    `${record.file} at byte ${record.offset}: its checksum is right, but it is no record of raft: written by another version?`,
  )
}

/** What stands in the place of a damaged stretch. */
export function lostRecord(item: Lost): WalRecord {
  const lost = protocols.raft.lost(item.shape)
  if (lost !== null) return lost
  throw new CliError(EXIT.dataRefused, 'the shape behind a damaged stretch is none of raft')
}

export function recordJson(record: WalRecord): Record<string, unknown> {
  switch (record.type) {
    case 'HardState':
      return { ...record }
    case 'State':
      return {
        ...record,
        snapshot: record.snapshot === null ? null : snapshotJson(record.snapshot),
      }
    case 'SnapshotTaken':
    case 'SnapshotInstalled':
      return { type: record.type, snapshot: snapshotJson(record.snapshot) }
    case 'Bootstrap':
      return { ...record }
    case 'SnapshotLost':
    case 'Lost':
      return { ...record }
    case 'Append':
    case 'Filled':
      return {
        type: record.type,
        entries: record.entries.map((entry) => ({
          index: entry.index,
          term: entry.term,
          time: entry.time,
          bytes: entry.sizeBytes,
          requests: entry.requests.map((request) => ({
            session: request.session,
            seq: request.seq,
            ackedThrough: request.ackedThrough,
            bytes: request.command.length,
          })),
          ...(entry.configuration === null ? {} : { voters: votersOf(entry.configuration) }),
        })),
      }
  }
}

function snapshotJson(snapshot: SnapshotMeta): Record<string, unknown> {
  const { index, term, time, digest, bytes } = snapshot
  return { index, term, time, digest, bytes, voters: votersOf(snapshot.configuration) }
}

function votersOf(configuration: Configuration): readonly string[] {
  return configuration.voters
}

/** Commands are the users' data: only their sizes are shown. */
export function recordLine(record: WalRecord): string {
  switch (record.type) {
    case 'HardState':
      return `HardState term ${record.term} votedFor ${record.votedFor ?? '-'}`
    case 'State': {
      const { snapshot } = record
      const covered = snapshot === null ? '-' : `${snapshot.index}@${snapshot.term}`
      return `State term ${record.term} votedFor ${record.votedFor ?? '-'} snapshot ${covered}`
    }
    case 'SnapshotTaken':
    case 'SnapshotInstalled': {
      const { index, term, bytes } = record.snapshot
      return `${record.type} ${index}@${term} ${bytes} bytes`
    }
    case 'Bootstrap':
      return `Bootstrap ${record.members.map((member) => member.id).join(',')}`
    case 'Lost':
      return `Lost through ${record.shape.lastIndex} term ${record.shape.term}`
    case 'SnapshotLost':
      return record.type
    case 'Append':
    case 'Filled':
      return `${record.type} ${record.entries
        .map((entry) => {
          const what =
            entry.configuration === null
              ? `${entry.requests.length} requests`
              : `voters ${votersOf(entry.configuration).join(',')}`
          return `${entry.index}@${entry.term} (${what}, ${entry.sizeBytes} bytes)`
        })
        .join(', ')}`
  }
}
