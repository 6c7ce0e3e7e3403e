/**
 * Encoders for what clients and nodes say to each other all the time. The generated writer keeps a list of chunks and is slow on bytes;
 * these know the length beforehand and write into one array. Byte for byte the same as the generated ones, which
 * tests check; decoding stays the generated code's.
 */
import { EMPTY } from '../base/bytes.js'
import { utf8Encode } from '../base/utf8.js'
import {
  type Command,
  Result,
  SubmitCommandRequest,
  SubmitCommandResponse,
  SubmitCommandsRequest,
  SubmitCommandsResponse,
  type Voucher,
} from '../gen/quorate/v1/quorate.js'
import type { Codec } from './types.js'
import {
  chunkLength,
  numberLength,
  tag,
  VARINT,
  writeChunk,
  writeHead,
  writeNumber,
} from './wire.js'

function commandLength(command: Command): number {
  return (
    numberLength(command.session) +
    numberLength(command.seq) +
    numberLength(command.ackedThrough) +
    (command.command.length === 0 ? 0 : chunkLength(command.command.length)) +
    numberLength(command.timeoutMs) +
    (command.auth === undefined ? 0 : chunkLength(command.auth.length)) +
    (command.readOnly === undefined ? 0 : 2)
  )
}

function writeCommand(out: Uint8Array, at: number, command: Command): number {
  at = writeNumber(out, at, 1, command.session)
  at = writeNumber(out, at, 2, command.seq)
  at = writeNumber(out, at, 3, command.ackedThrough)
  if (command.command.length > 0) at = writeChunk(out, at, 4, command.command)
  at = writeNumber(out, at, 5, command.timeoutMs)
  if (command.auth !== undefined) at = writeChunk(out, at, 6, command.auth)
  if (command.readOnly === undefined) return at
  out[at++] = tag(7, VARINT)
  out[at++] = command.readOnly ? 1 : 0
  return at
}

function encodeSubmitCommandRequest(message: SubmitCommandRequest): Uint8Array {
  if (message.command === undefined) return new Uint8Array(0)
  const length = commandLength(message.command)
  const out = new Uint8Array(chunkLength(length))
  writeCommand(out, writeHead(out, 0, 1, length), message.command)
  return out
}

function encodeSubmitCommandResponse(message: SubmitCommandResponse): Uint8Array {
  if (message.voucher !== undefined) return SubmitCommandResponse.encode(message).finish()
  if (message.answer.length === 0) return new Uint8Array(0)
  const out = new Uint8Array(chunkLength(message.answer.length))
  writeChunk(out, 0, 1, message.answer)
  return out
}

function encodeCommandBatch(message: SubmitCommandsRequest): Uint8Array {
  const { commands } = message
  if (message.listen.length > 0) return SubmitCommandsRequest.encode(message).finish()
  let total = 0
  for (const command of commands) total += chunkLength(commandLength(command))
  const out = new Uint8Array(total)
  let at = 0
  for (const command of commands)
    at = writeCommand(out, writeHead(out, at, 1, commandLength(command)), command)
  return out
}

/** Answers by hand; any other outcome is rare, and goes through the generated code. */
function encodeResultBatch(message: SubmitCommandsResponse): Uint8Array {
  const { results } = message
  if (message.refused.length > 0) return SubmitCommandsResponse.encode(message).finish()
  const rare: (Uint8Array | null)[] = new Array(results.length)
  const names = new Names()
  let total = 0
  results.forEach((result, i) => {
    const encoded = result.outcome?.$case === 'answer' ? null : Result.encode(result).finish()
    rare[i] = encoded
    total += chunkLength(encoded === null ? resultLength(result, names) : encoded.length)
  })
  const out = new Uint8Array(total)
  let at = 0
  results.forEach((result, i) => {
    const encoded = rare[i] ?? null
    if (encoded !== null) {
      at = writeChunk(out, at, 1, encoded)
      return
    }
    at = writeHead(out, at, 1, resultLength(result, names))
    at = writeNumber(out, at, 1, result.session)
    at = writeNumber(out, at, 2, result.seq)
    if (result.outcome?.$case === 'answer') at = writeChunk(out, at, 3, result.outcome.value)
    if (result.voucher !== undefined) at = writeVoucher(out, at, result.voucher, names)
  })
  return out
}

function resultLength(result: Result, names: Names): number {
  const answer = result.outcome?.$case === 'answer' ? chunkLength(result.outcome.value.length) : 0
  const { voucher } = result
  const vouched = voucher === undefined ? 0 : chunkLength(voucherLength(voucher, names))
  return numberLength(result.session) + numberLength(result.seq) + answer + vouched
}

function voucherLength({ replica, view, seal }: Voucher, names: Names): number {
  const name = replica === '' ? 0 : chunkLength(names.bytesOf(replica).length)
  return name + numberLength(view) + (seal.length === 0 ? 0 : chunkLength(seal.length))
}

function writeVoucher(out: Uint8Array, at: number, voucher: Voucher, names: Names): number {
  const { replica, view, seal } = voucher
  at = writeHead(out, at, 8, voucherLength(voucher, names))
  if (replica !== '') at = writeChunk(out, at, 1, names.bytesOf(replica))
  at = writeNumber(out, at, 2, view)
  return seal.length === 0 ? at : writeChunk(out, at, 3, seal)
}

/** All vouchers of a batch name the same replica. */
class Names {
  #last = ''
  #bytes = EMPTY

  bytesOf(name: string): Uint8Array {
    if (name !== this.#last) {
      this.#last = name
      this.#bytes = utf8Encode(name)
    }
    return this.#bytes
  }
}

export const submitCommandRequestCodec: Codec<SubmitCommandRequest> = {
  encode: encodeSubmitCommandRequest,
  decode: (bytes) => SubmitCommandRequest.decode(bytes),
}

export const submitCommandResponseCodec: Codec<SubmitCommandResponse> = {
  encode: encodeSubmitCommandResponse,
  decode: (bytes) => SubmitCommandResponse.decode(bytes),
}

export const commandBatchCodec: Codec<SubmitCommandsRequest> = {
  encode: encodeCommandBatch,
  decode: (bytes) => SubmitCommandsRequest.decode(bytes),
}

export const resultBatchCodec: Codec<SubmitCommandsResponse> = {
  encode: encodeResultBatch,
  decode: (bytes) => SubmitCommandsResponse.decode(bytes),
}
