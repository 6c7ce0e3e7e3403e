/** A node's log, read from outside and shown record by record. */
import { existsSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Sha256 } from '../base/sha256.js'
import type { Configuration, SnapshotMeta } from '../consensus/contract.js'
import { decodeRecords } from '../consensus/raft/codec.js'
import type { WalRecord } from '../consensus/raft/records.js'
import { nodeFileSystem } from '../node/file-system.js'
import { type Inspection, inspectWal } from '../wal/inspect.js'
import type { WalError } from '../wal/refusal.js'
import { CliError, EXIT, usageError } from './errors.js'

type RecoveredRecord = Inspection['recovered']['records'][number]

/** The folder with the segments: the one given, or `wal` in it. Throws CliError. */
export function walFolder(dir: string): string {
  const path = resolve(dir)
  if (!existsSync(path)) throw usageError(`wal: there is no folder ${path}`)
  if (!statSync(path).isDirectory()) throw usageError(`wal: ${path} is a file, not a folder`)
  const inner = join(path, 'wal')
  return existsSync(inner) ? inner : path
}

/** Throws CliError: 7 when the log is refused, 8 when it cannot be read, 2 when there is none. */
export function inspect(dir: string): Promise<Inspection> {
  return new Promise((done, reject) => {
    inspectWal(
      nodeFileSystem,
      dir,
      () => new Sha256(),
      (error, inspection) => {
        if (error !== null) reject(new CliError(exitCodeOf(error), error.message))
        else if (inspection === null || inspection.recovered.segments.length === 0)
          reject(usageError(`wal: there is no log in ${dir}`))
        else done(inspection)
      },
    )
  })
}

function exitCodeOf(error: WalError): number {
  return error.refusal.code === 'WAL_IO' ? EXIT.disk : EXIT.dataRefused
}

/** What a record's bytes mean; refuses bytes that mean nothing. */
export function decoded(record: RecoveredRecord): WalRecord[] {
  const records = decodeRecords(record.payload)
  if (records !== null) return records
  throw new CliError(
    EXIT.dataRefused,
    `${record.file} at byte ${record.offset}: its checksum is right, but it is no record of raft: written by another version?`,
  )
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
