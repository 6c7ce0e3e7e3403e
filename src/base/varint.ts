import { assert } from './assert.js'

/**
 * Unsigned LEB128 over numbers up to 2^53-1, as protobuf writes them. Bitwise operators stop at 32 bits,
 * so larger values go by division.
 */

export function varintLength(value: number): number {
  let length = 1
  while (value >= 0x80) {
    value = Math.floor(value / 0x80)
    length++
  }
  return length
}

/** Writes at `at`, returns the offset behind it. */
export function writeVarint(out: Uint8Array, at: number, value: number): number {
  assert(Number.isSafeInteger(value) && value >= 0, 'varint out of range')
  while (value > 0x7fffffff) {
    out[at++] = (value % 0x80) | 0x80
    value = Math.floor(value / 0x80)
  }
  while (value >= 0x80) {
    out[at++] = (value & 0x7f) | 0x80
    value >>>= 7
  }
  out[at++] = value
  return at
}

/** A cursor over bytes that came from outside: every read is checked, none throws past `ok`. */
export class Reader {
  readonly bytes: Uint8Array
  at: number
  readonly end: number
  /** False once a read went past the end or found a number above 2^53-1; all later reads give zero. */
  ok = true

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  get left(): number {
    return this.end - this.at
  }

  varint(): number {
    let value = 0
    let scale = 1
    for (let i = 0; i < 8; i++) {
      if (this.at >= this.end) return this.fail()
      const byte = this.bytes[this.at++] ?? 0
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value <= Number.MAX_SAFE_INTEGER ? value : this.fail()
      scale *= 0x80
    }
    return this.fail()
  }

  byte(): number {
    if (this.at >= this.end) return this.fail()
    return this.bytes[this.at++] ?? 0
  }

  /** A view, not a copy. */
  take(length: number): Uint8Array {
    if (!this.ok || length > this.left) {
      this.fail()
      return new Uint8Array(0)
    }
    const view = this.bytes.subarray(this.at, this.at + length)
    this.at += length
    return view
  }

  /** A view of as many bytes as the varint before them says. */
  chunk(): Uint8Array {
    return this.take(this.varint())
  }

  fail(): 0 {
    this.ok = false
    this.at = this.end
    return 0
  }
}

/** Grows as it is written; `finish` gives exactly the bytes written. */
export class Writer {
  #bytes: Uint8Array
  #at = 0

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity)
  }

  get length(): number {
    return this.#at
  }

  byte(value: number): this {
    this.#reserve(1)
    this.#bytes[this.#at++] = value
    return this
  }

  varint(value: number): this {
    this.#reserve(8)
    this.#at = writeVarint(this.#bytes, this.#at, value)
    return this
  }

  /** The bytes as they are. */
  raw(bytes: Uint8Array): this {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#at)
    this.#at += bytes.length
    return this
  }

  /** The length as a varint, then the bytes. */
  chunk(bytes: Uint8Array): this {
    return this.varint(bytes.length).raw(bytes)
  }

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#at)
  }

  #reserve(length: number): void {
    const needed = this.#at + length
    if (needed <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
    grown.set(this.#bytes.subarray(0, this.#at))
    this.#bytes = grown
  }
}
