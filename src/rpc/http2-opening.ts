/**
 * How a connection of gRPC's Go library begins. etcd's Go clients put the endpoint as they were given it into
 * `:authority`, `http://` and all, which Go's own server lets pass and nghttp2, below Node's HTTP/2, refuses with
 * PROTOCOL_ERROR before anybody is asked. Nothing here needs to know what it says; so the first request's is replaced,
 * and with it, by HPACK's table, that of all that follow on the connection.
 *
 * That library says nothing but an empty SETTINGS until it has heard ours:
 * 1. It is greeted with the SETTINGS that nghttp2 would send, and will.
 * 2. Its acknowledgement is taken out: nghttp2 does not expect one before it has sent its own.
 * 3. The connection is handed over with its first request, or without one when that does not come soon.
 */

import type { Http2Bounds } from './limits.js'

/** The whole preface of HTTP/2. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
/** Of what is kept while the acknowledgement or the first request is not whole. */
export const OPENING_BYTES_MAX = 64 * 1024

const FRAME_HEAD = 9
const HEADERS = 1
const SETTINGS = 4
const ACK = 1
const END_HEADERS = 4
const PADDED = 8
const PRIORITY = 32
/** In HPACK's static table. */
const AUTHORITY = 1
/** A literal of one character: shorter than any, so that our table of names drops nothing that the caller's holds. */
const NEUTRAL = Buffer.from([1, 0x71])

/** A SETTINGS frame. */
export function greetingOf(settings: Http2Bounds): Buffer {
  const values = [
    [3, settings.maxConcurrentStreams],
    [4, settings.initialWindowSize],
    [6, settings.maxHeaderListSize],
  ] as const
  const frame = Buffer.alloc(FRAME_HEAD + 6 * values.length)
  frame.writeUIntBE(6 * values.length, 0, 3)
  frame[3] = SETTINGS
  for (const [i, [id, value]] of values.entries()) {
    frame.writeUInt16BE(id, FRAME_HEAD + 6 * i)
    frame.writeUInt32BE(value, FRAME_HEAD + 6 * i + 2)
  }
  return frame
}

export type Opening =
  /** Wait for more bytes. */
  | { readonly type: 'More' }
  /** Send the greeting, and wait. */
  | { readonly type: 'Greet' }
  /** It has nothing more to wait for but its first request. */
  | { readonly type: 'Idle'; readonly bytes: Buffer }
  /** These bytes are HTTP/2's now. */
  | { readonly type: 'Ready'; readonly bytes: Buffer }

interface Frame {
  readonly type: number
  readonly flags: number
  readonly from: number
  readonly end: number
}

/** `seen`: all that came so far, of which the preface's first bytes were looked at. */
export function openingOf(seen: Buffer, greeted: boolean): Opening {
  const shared = Math.min(seen.length, PREFACE.length)
  if (seen.compare(PREFACE, 0, shared, 0, shared) !== 0) return { type: 'Ready', bytes: seen }
  const { frames, whole } = framesOf(seen)
  const [first] = frames
  if (first === undefined) return whole ? { type: 'Ready', bytes: seen } : { type: 'More' }
  if (!greeted) {
    const isGo = first.type === SETTINGS && first.end - first.from === FRAME_HEAD
    const asks = frames.some(({ type }) => type === HEADERS)
    return isGo && !asks ? { type: 'Greet' } : { type: 'Ready', bytes: seen }
  }
  const ack = frames.find(({ type, flags }) => type === SETTINGS && (flags & ACK) !== 0)
  if (ack === undefined)
    return seen.length > OPENING_BYTES_MAX ? { type: 'Ready', bytes: seen } : { type: 'More' }
  const request = frames.find(({ type }) => type === HEADERS)
  const parts = [...frames.filter((frame) => frame !== ack)].map((frame) =>
    frame === request ? neutral(seen, frame) : seen.subarray(frame.from, frame.end),
  )
  const end = frames.at(-1)?.end ?? PREFACE.length
  const bytes = Buffer.concat([PREFACE, ...parts, seen.subarray(end)])
  if (request !== undefined || seen.length > OPENING_BYTES_MAX) return { type: 'Ready', bytes }
  return end === seen.length ? { type: 'Idle', bytes } : { type: 'More' }
}

/** Behind the preface. `whole`: false when it cannot yet be told what the first one is. */
function framesOf(seen: Buffer): { readonly frames: Frame[]; readonly whole: boolean } {
  const frames: Frame[] = []
  let at = PREFACE.length
  while (at + FRAME_HEAD <= seen.length) {
    const end = at + FRAME_HEAD + seen.readUIntBE(at, 3)
    if (end > seen.length) break
    frames.push({ type: seen[at + 3] ?? 0, flags: seen[at + 4] ?? 0, from: at, end })
    at = end
  }
  const first = seen.length >= PREFACE.length + FRAME_HEAD
  // A first frame that is none of ours, or more than Go's, is HTTP/2's to judge: its rest is not waited for.
  const other = seen[PREFACE.length + 3] !== SETTINGS
  return { frames, whole: first && (other || seen.readUIntBE(PREFACE.length, 3) > 0) }
}

/** The frame with another `:authority`; as it is where it is not as simple as Go's. */
function neutral(seen: Buffer, frame: Frame): Buffer {
  const bytes = seen.subarray(frame.from, frame.end)
  const simple = (frame.flags & END_HEADERS) !== 0 && (frame.flags & (PADDED | PRIORITY)) === 0
  const value = simple ? authorityOf(bytes) : null
  if (value === null) return bytes
  const changed = Buffer.concat([bytes.subarray(0, value.from), NEUTRAL, bytes.subarray(value.end)])
  changed.writeUIntBE(changed.length - FRAME_HEAD, 0, 3)
  return changed
}

/** Where the value of `:authority` stands, its length included (RFC 7541, 6); null: nowhere as a literal. */
function authorityOf(bytes: Buffer): { readonly from: number; readonly end: number } | null {
  const cursor = { bytes, at: FRAME_HEAD }
  while (cursor.at < bytes.length) {
    const byte = bytes[cursor.at] ?? 0
    if ((byte & 0x80) !== 0) {
      if (integer(cursor, 7) === null) return null
      continue
    }
    const isUpdate = (byte & 0xe0) === 0x20
    const name = integer(cursor, (byte & 0x40) !== 0 ? 6 : isUpdate ? 5 : 4)
    if (name === null) return null
    if (isUpdate) continue
    if (name === 0 && !skipText(cursor)) return null
    const from = cursor.at
    if (!skipText(cursor)) return null
    if (name === AUTHORITY) return { from, end: cursor.at }
  }
  return null
}

interface Cursor {
  readonly bytes: Buffer
  at: number
}

/** With a prefix of so many bits (RFC 7541, 5.1); null: it does not end, or is larger than a frame. */
function integer(cursor: Cursor, bits: number): number | null {
  const most = 2 ** bits - 1
  let value = (cursor.bytes[cursor.at++] ?? 0) & most
  if (value < most) return value
  for (let shift = 0; shift <= 21; shift += 7) {
    const byte = cursor.bytes[cursor.at++]
    if (byte === undefined) return null
    value += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) return value
  }
  return null
}

/** False: it goes on behind the frame. */
function skipText(cursor: Cursor): boolean {
  const length = integer(cursor, 7)
  if (length === null || cursor.at + length > cursor.bytes.length) return false
  cursor.at += length
  return true
}
