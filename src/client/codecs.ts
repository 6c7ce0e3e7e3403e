/**
 * Codecs of the messages that every command passes through, written by hand: the generated writer costs microseconds
 * a message where these cost a tenth. A test holds them against the generated ones, to which they leave whatever
 * they do not know.
 */
import { varintLength, writeVarint } from '../base/varint.js'
import type { PutRequest } from '../gen/etcd/api/etcdserverpb/rpc.js'
import { CommandTag } from '../gen/quorate/kv/v1/kv.js'
import {
  type Command,
  type Result,
  SubmitCommandRequest,
  SubmitCommandsRequest,
  SubmitCommandsResponse,
} from '../gen/quorate/v1/quorate.js'
import type { Codec } from '../rpc/types.js'

const VARINT = 0
const BYTES = 2
const field = (number: number, kind: number): number => (number << 3) | kind

function numberLength(value: number): number {
  return value === 0 ? 0 : 1 + varintLength(value)
}

function commandLength(command: Command): number {
  const { length } = command.command
  return (
    numberLength(command.session) +
    numberLength(command.seq) +
    numberLength(command.ackedThrough) +
    (length === 0 ? 0 : 1 + varintLength(length) + length) +
    numberLength(command.timeoutMs)
  )
}

function writeNumber(out: Uint8Array, at: number, number: number, value: number): number {
  if (value === 0) return at
  out[at] = field(number, VARINT)
  return writeVarint(out, at + 1, value)
}

function writeBytes(out: Uint8Array, at: number, number: number, bytes: Uint8Array): number {
  if (bytes.length === 0) return at
  out[at] = field(number, BYTES)
  const start = writeVarint(out, at + 1, bytes.length)
  out.set(bytes, start)
  return start + bytes.length
}

/** As field 1 of the message around it. */
function writeCommand(out: Uint8Array, at: number, command: Command, length: number): number {
  out[at] = field(1, BYTES)
  let next = writeVarint(out, at + 1, length)
  next = writeNumber(out, next, 1, command.session)
  next = writeNumber(out, next, 2, command.seq)
  next = writeNumber(out, next, 3, command.ackedThrough)
  next = writeBytes(out, next, 4, command.command)
  return writeNumber(out, next, 5, command.timeoutMs)
}

/** PBFT's fields are left to the generated code: what they cost is little beside a signature. */
function isSigned(command: Command): boolean {
  return command.auth !== undefined || command.readOnly !== undefined
}

export function encodeSubmitCommand(message: SubmitCommandRequest): Uint8Array {
  const { command } = message
  if (command !== undefined && isSigned(command))
    return SubmitCommandRequest.encode(message).finish()
  return command === undefined ? new Uint8Array(0) : encodeCommands([command])
}

export function encodeSubmitCommands(message: SubmitCommandsRequest): Uint8Array {
  if (message.listen !== undefined || message.commands.some(isSigned))
    return SubmitCommandsRequest.encode(message).finish()
  return encodeCommands(message.commands)
}

function encodeCommands(commands: readonly Command[]): Uint8Array {
  const lengths: number[] = []
  let total = 0
  for (const command of commands) {
    const length = commandLength(command)
    lengths.push(length)
    total += 1 + varintLength(length) + length
  }
  const out = new Uint8Array(total)
  let at = 0
  for (const [i, command] of commands.entries())
    at = writeCommand(out, at, command, lengths[i] ?? 0)
  return out
}

/** The command of a Put; null when it asks for more than a key and a value. */
export function encodePlainPut(request: PutRequest): Uint8Array | null {
  const { key, value, lease, prevKv, ignoreValue, ignoreLease } = request
  if (lease !== '0' || prevKv || ignoreValue || ignoreLease) return null
  const sized = (bytes: Uint8Array) =>
    bytes.length === 0 ? 0 : 1 + varintLength(bytes.length) + bytes.length
  const out = new Uint8Array(1 + sized(key) + sized(value))
  out[0] = CommandTag.PUT
  writeBytes(out, writeBytes(out, 1, 1, key), 2, value)
  return out
}

/** Answers are views of the message. */
export const submitCommandsResponse: Codec<SubmitCommandsResponse> = {
  encode: (message) => SubmitCommandsResponse.encode(message).finish(),
  decode: (bytes) => decodePlainResults(bytes) ?? SubmitCommandsResponse.decode(bytes),
}

/** Of results that are answers, written as our nodes write them; null: let the generated code look. */
export function decodePlainResults(bytes: Uint8Array): SubmitCommandsResponse | null {
  const results: Result[] = []
  const cursor = { at: 0 }
  while (cursor.at < bytes.length) {
    if (bytes[cursor.at++] !== field(1, BYTES)) return null
    const length = readNumber(bytes, cursor)
    const end = cursor.at + length
    if (length < 0 || end > bytes.length) return null
    let session = 0
    let seq = 0
    let value: Uint8Array | null = null
    while (cursor.at < end) {
      const tag = bytes[cursor.at++]
      const number = readNumber(bytes, cursor)
      if (number < 0) return null
      if (tag === field(1, VARINT)) session = number
      else if (tag === field(2, VARINT)) seq = number
      else if (tag === field(3, BYTES)) {
        value = bytes.subarray(cursor.at, cursor.at + number)
        cursor.at += number
      } else return null
    }
    if (cursor.at !== end || value === null) return null
    results.push({ session, seq, outcome: { $case: 'answer', value } })
  }
  return { results }
}

/** A varint up to 2^53-1; -1 when it is none. */
function readNumber(bytes: Uint8Array, cursor: { at: number }): number {
  let value = 0
  let scale = 1
  for (let i = 0; i < 8; i++) {
    const byte = bytes[cursor.at++]
    if (byte === undefined) return -1
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return value <= Number.MAX_SAFE_INTEGER ? value : -1
    scale *= 0x80
  }
  return -1
}
