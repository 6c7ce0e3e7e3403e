/**
 * A snapshot on its way to disk and back: frames of kind, length and payload, closed by an end frame with the
 * checksum of all that went before. The bytes may be cut into chunks anew in between.
 */
import { concat } from '../base/bytes.js'
import { crc32c } from '../base/crc32c.js'
import { Writer } from '../base/varint.js'
import { demand } from './state-machine.js'

/** A piece given out holds at most so many bytes. */
const PIECE_BYTES_MAX = 256 * 1024
/** A frame that claims more is not read. */
const FRAME_BYTES_MAX = 1024 * 1024 * 1024

export const END_FRAME = 0

export class FrameWriter {
  #crc = 0

  end(): Uint8Array {
    return new Writer(16).byte(END_FRAME).varint(this.#crc).finish()
  }

  /** The frame in pieces. */
  *frame(kind: number, payload: Uint8Array): Iterable<Uint8Array> {
    const head = new Writer(16).byte(kind).varint(payload.length).finish()
    this.#crc = crc32c(head, this.#crc)
    if (payload.length + head.length <= PIECE_BYTES_MAX) {
      const whole = concat([head, payload])
      this.#crc = crc32c(payload, this.#crc)
      yield whole
      return
    }
    yield head
    for (let at = 0; at < payload.length; at += PIECE_BYTES_MAX) {
      const piece = payload.subarray(at, Math.min(at + PIECE_BYTES_MAX, payload.length))
      this.#crc = crc32c(piece, this.#crc)
      yield piece
    }
  }
}

export interface Frame {
  readonly kind: number
  /** A view. */
  readonly payload: Uint8Array
}

export class FrameReader {
  readonly #chunks: Iterator<Uint8Array>
  #chunk: Uint8Array = new Uint8Array(0)
  #at = 0
  #crc = 0

  constructor(chunks: Iterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.iterator]()
  }

  /** Null at the end frame, behind which nothing may follow. Throws SnapshotError on anything else. */
  next(): Frame | null {
    const kind = this.#byte()
    const number = this.#varint()
    if (kind === END_FRAME) {
      demand(number === this.#crc, 'checksum of the snapshot does not match')
      demand(!this.#refill(), 'bytes behind the end of the snapshot')
      return null
    }
    demand(number <= FRAME_BYTES_MAX, `frame of ${number} bytes`)
    this.#crc = crc32c(new Writer(16).byte(kind).varint(number).finish(), this.#crc)
    const payload = this.#take(number)
    this.#crc = crc32c(payload, this.#crc)
    return { kind, payload }
  }

  #byte(): number {
    demand(this.#refill(), 'the snapshot ends too early')
    return this.#chunk[this.#at++] ?? 0
  }

  #varint(): number {
    let value = 0
    let scale = 1
    for (let i = 0; i < 7; i++) {
      const byte = this.#byte()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      scale *= 0x80
    }
    demand(false, 'malformed length in the snapshot')
    return 0
  }

  /** Memory grows with what is there, not with what the length claims. */
  #take(length: number): Uint8Array {
    const parts: Uint8Array[] = []
    let left = length
    while (left > 0) {
      demand(this.#refill(), 'the snapshot ends too early')
      const part = this.#chunk.subarray(this.#at, Math.min(this.#at + left, this.#chunk.length))
      this.#at += part.length
      left -= part.length
      parts.push(part)
    }
    const only = parts[0]
    return parts.length === 1 && only !== undefined ? only : concat(parts)
  }

  /** False when there are no more bytes. */
  #refill(): boolean {
    while (this.#at >= this.#chunk.length) {
      const next = this.#chunks.next()
      if (next.done === true) return false
      this.#chunk = next.value
      this.#at = 0
    }
    return true
  }
}
