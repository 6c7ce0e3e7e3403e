/** Raft's records in words. Commands are the users' data: only their sizes are shown. */
import type { Configuration, SnapshotMeta } from '../../consensus/contract.js'
import { decodeRecords } from '../../consensus/raft/codec.js'
import type { WalRecord } from '../../consensus/raft/records.js'
import { protocols } from '../../protocols.js'
import type { LogWords, Shown } from './words.js'

export const raftWords: LogWords = {
  protocol: 'raft',
  decode: (payload) => decodeRecords(payload)?.map(shown) ?? null,
  lost: (shape) => {
    const lost = protocols.raft.lost(shape)
    return lost === null ? null : shown(lost)
  },
}

function shown(record: WalRecord): Shown {
  return { json: recordJson(record), line: recordLine(record) }
}

function recordJson(record: WalRecord): Record<string, unknown> {
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

function recordLine(record: WalRecord): string {
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
