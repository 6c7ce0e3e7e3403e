/**
 * Frames between peers by hand, as the generated code has them; a Hello is rare and left to it. Reading is bounded: a
 * message of 8 MiB may hold four million empty ones, which to take apart would hold up a node for a second.
 */
import { Reader } from '../base/varint.js'
import { ExchangeRequest, type PeerFrame } from '../gen/quorate/peer/v1/peer.js'
import type { Codec } from './types.js'
import {
  BYTES,
  chunkLength,
  FIXED32,
  FIXED64,
  numberLength,
  tag,
  VARINT,
  writeChunk,
  writeHead,
  writeNumber,
} from './wire.js'

/** Of messages in one frame. */
export const FRAME_MESSAGES_MAX = 1_024
/** Of a Hello, and so of all that a caller says before he is welcome. */
export const HELLO_BYTES_MAX = 128 * 1024

const FRAME = tag(2, BYTES)

function encode(message: ExchangeRequest): Uint8Array {
  if (message.content?.$case !== 'frame') return ExchangeRequest.encode(message).finish()
  const frame = message.content.value
  let length = numberLength(frame.configurationEpoch) + numberLength(frame.groupId)
  for (const bytes of frame.messages) length += chunkLength(bytes.length)
  if (frame.crc32c !== 0) length += 5
  const out = new Uint8Array(chunkLength(length))
  let at = writeHead(out, 0, 2, length)
  at = writeNumber(out, at, 1, frame.configurationEpoch)
  at = writeNumber(out, at, 2, frame.groupId)
  for (const bytes of frame.messages) at = writeChunk(out, at, 3, bytes)
  if (frame.crc32c !== 0) {
    out[at] = tag(4, FIXED32)
    new DataView(out.buffer).setUint32(at + 1, frame.crc32c, true)
  }
  return out
}

/** Throws on what is malformed or beyond a bound. The messages are views. */
function decode(bytes: Uint8Array): ExchangeRequest {
  if (bytes[0] !== FRAME) {
    if (bytes.length > HELLO_BYTES_MAX) throw new RangeError('no frame, and too large for a Hello')
    return ExchangeRequest.decode(bytes)
  }
  const r = new Reader(bytes, 1)
  const value = decodeFrame(r.chunk())
  while (r.ok && r.left > 0) {
    const field = r.varint()
    if (field < tag(3, VARINT)) throw new RangeError('not one frame')
    skip(r, field & 7)
  }
  if (!r.ok) throw new RangeError('malformed message')
  return { content: { $case: 'frame', value } }
}

function decodeFrame(bytes: Uint8Array): PeerFrame {
  const r = new Reader(bytes)
  const messages: Uint8Array[] = []
  let configurationEpoch = 0
  let groupId = 0
  let crc32c = 0
  while (r.ok && r.left > 0) {
    const field = r.varint()
    if (field === tag(1, VARINT)) configurationEpoch = r.varint()
    else if (field === tag(2, VARINT)) groupId = r.varint() >>> 0
    else if (field === tag(3, BYTES)) {
      if (messages.length === FRAME_MESSAGES_MAX) throw new RangeError('too many messages')
      messages.push(r.chunk())
    } else if (field === tag(4, FIXED32)) crc32c = readFixed32(r)
    else if (field < tag(1, VARINT)) throw new RangeError('malformed frame')
    else skip(r, field & 7)
  }
  if (!r.ok) throw new RangeError('malformed frame')
  return { configurationEpoch, groupId, messages, crc32c }
}

/** What a later version has added. */
function skip(r: Reader, type: number): void {
  if (type === VARINT) r.varint()
  else if (type === FIXED64) r.take(8)
  else if (type === BYTES) r.chunk()
  else if (type === FIXED32) r.take(4)
  else r.fail()
}

function readFixed32(r: Reader): number {
  const [a = 0, b = 0, c = 0, d = 0] = r.take(4)
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0
}

export const exchangeRequestCodec: Codec<ExchangeRequest> = { encode, decode }
