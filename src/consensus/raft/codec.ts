/**
 * Messages and records as bytes. An entry is encoded once and travels unchanged to WAL and peers: its encoding is
 * remembered beside it, on a follower it is the very bytes that came from the leader.
 */
import { Reader, Writer } from '../../base/varint.js'
import type { SnapshotMeta } from '../contract.js'
import {
  readAll,
  readMembers,
  readSnapshotMeta,
  readText,
  writeMembers,
  writeSnapshotMeta,
  writeText,
} from '../encoding.js'
import type { NodeId } from '../ids.js'
import {
  ascend,
  readEntries,
  readEntryId,
  readEntryIds,
  readReadId,
  readRequests,
  totalSize,
  writeEntries,
  writeEntryId,
  writeEntryIds,
  writeRequests,
} from './codec-parts.js'
import type { EntryId, LogEntry, Message } from './messages.js'
import type { WalRecord } from './records.js'
import { decodeShape, encodeShape } from './shape.js'

const MESSAGE_TAGS = {
  RequestVote: 1,
  RequestVoteReply: 2,
  PreVote: 3,
  PreVoteReply: 4,
  AppendEntries: 5,
  AppendEntriesReply: 6,
  TimeoutNow: 7,
  ReadIndex: 8,
  ReadIndexReply: 9,
  FetchEntries: 10,
  FetchEntriesReply: 11,
  Forward: 12,
} as const satisfies { [K in Message['type']]: number }

const RECORD_TAGS = {
  State: 1,
  HardState: 2,
  Append: 3,
  SnapshotTaken: 4,
  SnapshotInstalled: 5,
  Bootstrap: 6,
  Filled: 7,
  Lost: 8,
  SnapshotLost: 9,
} as const satisfies { [K in WalRecord['type']]: number }

export function encodeMessage(m: Message): Uint8Array {
  const w = new Writer(sizeHint(m))
  w.byte(MESSAGE_TAGS[m.type]).varint(m.term)
  switch (m.type) {
    case 'RequestVote':
      writeEntryId(w, m.lastLog)
      w.byte(m.transfer ? 1 : 0)
      break
    case 'PreVote':
      writeEntryId(w, m.lastLog)
      break
    case 'RequestVoteReply':
    case 'PreVoteReply':
      w.byte(m.voteGranted ? 1 : 0)
      break
    case 'AppendEntries':
      writeEntryId(w, m.prev)
      w.varint(m.leaderCommit).varint(m.round).varint(m.agreedTime)
      writeEntries(w, m.entries)
      break
    case 'AppendEntriesReply':
      w.varint(m.round).varint(m.incarnation)
      if (m.accepted) {
        w.byte(1).varint(m.matchIndex)
      } else {
        w.byte(0).varint(m.rejected)
        writeEntryId(w, m.hint)
      }
      break
    case 'TimeoutNow':
      break
    case 'ReadIndex':
      w.varint(m.id.incarnation).varint(m.id.number)
      break
    case 'ReadIndexReply':
      w.varint(m.id.incarnation).varint(m.id.number).varint(m.index)
      break
    case 'Forward':
      writeRequests(w, m.requests)
      break
    case 'FetchEntries':
      writeEntryIds(w, m.wanted)
      w.varint(m.snapshotAtLeast)
      break
    case 'FetchEntriesReply':
      w.varint(m.incarnation)
      writeEntries(w, m.entries)
      writeEntryIds(w, m.absent)
      w.byte(m.snapshotAbsent ? 1 : 0)
      break
  }
  return w.finish()
}

function sizeHint(m: Message): number {
  if ('entries' in m) return 64 + totalSize(m.entries)
  if (m.type !== 'Forward') return 64
  return m.requests.reduce((sum, request) => sum + request.command.length + 32, 64)
}

export function decodeMessage(bytes: Uint8Array): Message | null {
  const r = new Reader(bytes)
  const tag = r.byte()
  const term = r.varint()
  const message = readMessage(r, tag, term)
  return message !== null && r.ok && r.left === 0 ? message : null
}

function readMessage(r: Reader, tag: number, term: number): Message | null {
  switch (tag) {
    case MESSAGE_TAGS.RequestVote:
      return { type: 'RequestVote', term, lastLog: readEntryId(r), transfer: r.byte() === 1 }
    case MESSAGE_TAGS.RequestVoteReply:
      return { type: 'RequestVoteReply', term, voteGranted: r.byte() === 1 }
    case MESSAGE_TAGS.PreVote:
      return { type: 'PreVote', term, lastLog: readEntryId(r) }
    case MESSAGE_TAGS.PreVoteReply:
      return { type: 'PreVoteReply', term, voteGranted: r.byte() === 1 }
    case MESSAGE_TAGS.AppendEntries: {
      const prev = readEntryId(r)
      const [leaderCommit, round, agreedTime] = [r.varint(), r.varint(), r.varint()]
      const entries = readEntries(r)
      if (entries === null || !follows(prev, entries)) return null
      return { type: 'AppendEntries', term, prev, entries, leaderCommit, round, agreedTime }
    }
    case MESSAGE_TAGS.AppendEntriesReply: {
      const base = {
        type: 'AppendEntriesReply',
        term,
        round: r.varint(),
        incarnation: r.varint(),
      } as const
      if (r.byte() === 1) return { ...base, accepted: true, matchIndex: r.varint() }
      return { ...base, accepted: false, rejected: r.varint(), hint: readEntryId(r) }
    }
    case MESSAGE_TAGS.TimeoutNow:
      return { type: 'TimeoutNow', term }
    case MESSAGE_TAGS.ReadIndex:
      return { type: 'ReadIndex', term, id: readReadId(r) }
    case MESSAGE_TAGS.ReadIndexReply:
      return { type: 'ReadIndexReply', term, id: readReadId(r), index: r.varint() }
    case MESSAGE_TAGS.Forward: {
      const requests = readRequests(r)
      return requests && { type: 'Forward', term, requests }
    }
    case MESSAGE_TAGS.FetchEntries: {
      const wanted = readEntryIds(r)
      return wanted && { type: 'FetchEntries', term, wanted, snapshotAtLeast: r.varint() }
    }
    case MESSAGE_TAGS.FetchEntriesReply: {
      const incarnation = r.varint()
      const entries = readEntries(r)
      const absent = readEntryIds(r)
      if (entries === null || absent === null || !ascend(entries)) return null
      const snapshotAbsent = r.byte() === 1
      return { type: 'FetchEntriesReply', term, incarnation, entries, absent, snapshotAbsent }
    }
    default:
      return null
  }
}

/** Entries go on where `prev` ends, without holes. */
function follows(prev: EntryId, entries: readonly LogEntry[]): boolean {
  let index = prev.index
  let term = prev.term
  for (const entry of entries) {
    if (entry.index !== index + 1 || entry.term < term) return false
    index = entry.index
    term = entry.term
  }
  return true
}

export function encodeRecords(records: readonly WalRecord[]): Uint8Array {
  const w = new Writer(256)
  for (const record of records) {
    w.byte(RECORD_TAGS[record.type])
    switch (record.type) {
      case 'State':
        writeHardState(w, record)
        w.byte(record.snapshot === null ? 0 : 1)
        if (record.snapshot !== null) writeSnapshotMeta(w, record.snapshot)
        break
      case 'HardState':
        writeHardState(w, record)
        break
      case 'Append':
      case 'Filled':
        writeEntries(w, record.entries)
        break
      case 'SnapshotTaken':
      case 'SnapshotInstalled':
        writeSnapshotMeta(w, record.snapshot)
        break
      case 'Bootstrap':
        writeMembers(w, record.members)
        break
      case 'Lost':
        w.chunk(encodeShape(record.shape))
        break
      case 'SnapshotLost':
        break
    }
  }
  return w.finish()
}

export function decodeRecords(bytes: Uint8Array): WalRecord[] | null {
  return readAll(bytes, readRecord)
}

function readRecord(r: Reader): WalRecord | null {
  switch (r.byte()) {
    case RECORD_TAGS.State: {
      const hard = readHardState(r)
      const snapshot = r.byte() === 1 ? readSnapshotMeta(r) : null
      return { type: 'State', ...hard, snapshot }
    }
    case RECORD_TAGS.HardState:
      return { type: 'HardState', ...readHardState(r) }
    case RECORD_TAGS.Append: {
      const entries = readEntries(r)
      return entries === null ? null : { type: 'Append', entries }
    }
    case RECORD_TAGS.SnapshotTaken:
      return { type: 'SnapshotTaken', snapshot: readSnapshotMeta(r) }
    case RECORD_TAGS.SnapshotInstalled:
      return { type: 'SnapshotInstalled', snapshot: readSnapshotMeta(r) }
    case RECORD_TAGS.Bootstrap:
      return { type: 'Bootstrap', members: readMembers(r) }
    case RECORD_TAGS.Filled: {
      const entries = readEntries(r)
      return entries !== null && ascend(entries) ? { type: 'Filled', entries } : null
    }
    case RECORD_TAGS.Lost: {
      const shape = decodeShape(r.chunk())
      return shape && { type: 'Lost', shape }
    }
    case RECORD_TAGS.SnapshotLost:
      return { type: 'SnapshotLost' }
    default:
      return null
  }
}

/** A snapshot's description on its own: for the file's header and for the stream to a peer. */
export function encodeSnapshotMeta(snapshot: SnapshotMeta): Uint8Array {
  const w = new Writer(256)
  writeSnapshotMeta(w, snapshot)
  return w.finish()
}

export function decodeSnapshotMeta(bytes: Uint8Array): SnapshotMeta | null {
  const r = new Reader(bytes)
  const snapshot = readSnapshotMeta(r)
  return r.ok && r.left === 0 ? snapshot : null
}

function writeHardState(w: Writer, hard: { term: number; votedFor: NodeId | null }): void {
  w.varint(hard.term)
  writeText(w, hard.votedFor ?? '')
}

function readHardState(r: Reader): { term: number; votedFor: NodeId | null } {
  const term = r.varint()
  const votedFor = readText(r)
  return { term, votedFor: votedFor === '' ? null : votedFor }
}
