/** The pieces of messages and records as bytes: entries, their places, requests. */
import { Reader, Writer } from '../../base/varint.js'
import type { Request } from '../contract.js'
import { LIST_MAX, readConfiguration, writeConfiguration } from '../encoding.js'
import type { EntryId, LogEntry } from './messages.js'

/** A memo, not state: an entry never changes, so neither does its encoding. */
const ENCODED = new WeakMap<LogEntry, Uint8Array>()

/** Places of one log, in order; there may be others in between. */
export function ascend(ids: readonly EntryId[]): boolean {
  return ids.every((id, i) => {
    const before = ids[i - 1]
    return id.index > (before?.index ?? 0) && id.term >= (before?.term ?? 0)
  })
}

export function writeEntryId(w: Writer, id: EntryId): void {
  w.varint(id.index).varint(id.term)
}

export function readEntryId(r: Reader): EntryId {
  return { index: r.varint(), term: r.varint() }
}

export function writeEntryIds(w: Writer, ids: readonly EntryId[]): void {
  w.varint(ids.length)
  for (const id of ids) writeEntryId(w, id)
}

/** Null when they do not ascend: nobody sends such a list. */
export function readEntryIds(r: Reader): EntryId[] | null {
  const count = r.varint()
  if (count > LIST_MAX) return null
  const ids: EntryId[] = []
  for (let i = 0; i < count && r.ok; i++) ids.push(readEntryId(r))
  return r.ok && ascend(ids) ? ids : null
}

export function readReadId(r: Reader): { incarnation: number; number: number } {
  return { incarnation: r.varint(), number: r.varint() }
}

export function writeEntries(w: Writer, entries: readonly LogEntry[]): void {
  w.varint(entries.length)
  for (const entry of entries) w.chunk(encodeEntry(entry))
}

export function readEntries(r: Reader): LogEntry[] | null {
  const count = r.varint()
  if (count > LIST_MAX) return null
  const entries: LogEntry[] = []
  for (let i = 0; i < count; i++) {
    const entry = decodeEntry(r.chunk())
    if (entry === null || !r.ok) return null
    entries.push(entry)
  }
  return entries
}

export function totalSize(entries: readonly LogEntry[]): number {
  return entries.reduce((sum, entry) => sum + entry.sizeBytes, 0)
}

export function encodeEntry(entry: LogEntry): Uint8Array {
  const known = ENCODED.get(entry)
  if (known !== undefined) return known
  const w = new Writer(entry.sizeBytes + 64)
  w.varint(entry.index).varint(entry.term).varint(entry.time)
  w.byte(entry.configuration === null ? 0 : 1)
  if (entry.configuration !== null) writeConfiguration(w, entry.configuration)
  writeRequests(w, entry.requests)
  const bytes = w.finish()
  ENCODED.set(entry, bytes)
  return bytes
}

export function decodeEntry(bytes: Uint8Array): LogEntry | null {
  const r = new Reader(bytes)
  const [index, term, time] = [r.varint(), r.varint(), r.varint()]
  const configuration = r.byte() === 1 ? readConfiguration(r) : null
  const requests = readRequests(r)
  if (requests === null || !r.ok || r.left !== 0 || index === 0) return null
  const entry = { index, term, time, requests, configuration, sizeBytes: bytes.length }
  ENCODED.set(entry, bytes)
  return entry
}

export function writeRequests(w: Writer, requests: readonly Request[]): void {
  w.varint(requests.length)
  for (const request of requests) {
    w.varint(request.session).varint(request.seq).varint(request.ackedThrough)
    w.chunk(request.command)
  }
}

export function readRequests(r: Reader): Request[] | null {
  const count = r.varint()
  if (count > LIST_MAX) return null
  const requests: Request[] = []
  for (let i = 0; i < count && r.ok; i++) {
    const [session, seq, ackedThrough] = [r.varint(), r.varint(), r.varint()]
    requests.push({ session, seq, ackedThrough, command: r.chunk() })
  }
  return requests
}
