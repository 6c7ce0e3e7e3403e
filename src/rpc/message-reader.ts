/** Finds the messages of gRPC in bytes that come in any pieces. */
import type { Room } from './room.js'
import { Code, RpcError } from './status.js'

const HEAD_BYTES = 5

export class MessageReader {
  /** Of a message, without its head. */
  bytesMax: number
  readonly #room: Room
  /** What is to be looked through next. */
  #chunk: Buffer | null = null
  #at = 0
  /** The message under way, its head included; grows, so that many small pieces cost no more than one. */
  #held: Buffer | null = null
  #length = 0

  /** `room`: what messages under way take of it is given back when they are whole. */
  constructor(bytesMax: number, room: Room) {
    this.bytesMax = bytesMax
    this.#room = room
  }

  /** Bytes of a message are here, but not all. */
  get isUnderWay(): boolean {
    return this.#held !== null
  }

  /** Nothing is left to be looked through. */
  get isEmpty(): boolean {
    return this.#chunk === null
  }

  /** Once all of the piece before has been looked through; the bytes need not outlive the last `next`. */
  push(chunk: Buffer): void {
    this.#chunk = chunk.length === 0 ? null : chunk
    this.#at = 0
  }

  /** A message, in memory of its own; null: none is whole; an error: the call is over. */
  next(): Buffer | RpcError | null {
    const chunk = this.#chunk
    if (chunk === null) return null
    if (this.#held !== null) return this.#goOn(chunk, this.#held)
    const at = this.#at
    const left = chunk.length - at
    const problem = problemOf(chunk, at, left, this.bytesMax)
    if (problem !== null) return problem
    const whole = left < HEAD_BYTES ? Number.POSITIVE_INFINITY : wholeLength(chunk, at)
    if (left < whole) return this.#begin(chunk, at)
    // A copy: the piece is a view of a buffer that is larger.
    const message = Buffer.allocUnsafe(whole - HEAD_BYTES)
    chunk.copy(message, 0, at + HEAD_BYTES, at + whole)
    this.#looked(at + whole)
    return message
  }

  /** Nothing of this call will be read any more. */
  drop(): void {
    if (this.#held !== null) this.#room.give(this.#held.length)
    this.#held = null
    this.#chunk = null
  }

  #begin(chunk: Buffer, at: number): RpcError | null {
    const left = chunk.length - at
    if (!this.#room.take(left)) return noRoom()
    const held = Buffer.allocUnsafe(left)
    chunk.copy(held, 0, at)
    this.#held = held
    this.#length = left
    this.#chunk = null
    return null
  }

  #goOn(chunk: Buffer, before: Buffer): Buffer | RpcError | null {
    let held = before
    if (this.#length < HEAD_BYTES) {
      const grown = this.#take(chunk, held, HEAD_BYTES)
      if (grown === null) return noRoom()
      held = grown
      const problem = problemOf(held, 0, this.#length, this.bytesMax)
      if (problem !== null) return problem
      if (this.#length < HEAD_BYTES) return null
    }
    const whole = wholeLength(held, 0)
    const grown = this.#take(chunk, held, whole)
    if (grown === null) return noRoom()
    if (this.#length < whole) return null
    this.#room.give(grown.length)
    this.#held = null
    return grown.subarray(HEAD_BYTES, whole)
  }

  /** Up to that length in all; null: there is no room. Twice as much each time, but no more than the message. */
  #take(chunk: Buffer, held: Buffer, length: number): Buffer | null {
    const taken = Math.min(length - this.#length, chunk.length - this.#at)
    const needed = this.#length + taken
    let into = held
    if (needed > held.length) {
      const size = Math.max(needed, Math.min(2 * held.length, length))
      if (!this.#room.take(size - held.length)) return null
      into = Buffer.allocUnsafe(size)
      held.copy(into, 0, 0, this.#length)
      this.#held = into
    }
    chunk.copy(into, this.#length, this.#at, this.#at + taken)
    this.#length = needed
    this.#looked(this.#at + taken)
    return into
  }

  #looked(upTo: number): void {
    this.#at = upTo
    if (this.#chunk !== null && upTo >= this.#chunk.length) this.#chunk = null
  }
}

/** Of the message that begins at `at`, of which `left` bytes are here. */
function problemOf(bytes: Buffer, at: number, left: number, bytesMax: number): RpcError | null {
  const flag = bytes[at]
  if (flag === 1)
    return new RpcError(Code.INTERNAL, 'grpc: compressed flag set with identity or empty encoding')
  if (flag !== 0)
    return new RpcError(Code.INTERNAL, `grpc: received unexpected payload format ${flag}`)
  if (left < HEAD_BYTES) return null
  const size = bytes.readUInt32BE(at + 1)
  if (size <= bytesMax) return null
  const text = `grpc: received message larger than max (${size} vs. ${bytesMax})`
  return new RpcError(Code.RESOURCE_EXHAUSTED, text)
}

function wholeLength(bytes: Buffer, at: number): number {
  return HEAD_BYTES + bytes.readUInt32BE(at + 1)
}

/** For what comes in. */
export function noRoom(): RpcError {
  return new RpcError(Code.RESOURCE_EXHAUSTED, 'too many requests are being received')
}
