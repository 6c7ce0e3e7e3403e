import { assert } from './assert.js'
import { writeHex } from './bytes.js'
import { utf8Encode } from './utf8.js'

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

  /** The bytes themselves, which keep nothing else alive. */
  copy(length: number): Uint8Array {
    if (!this.ok || length > this.left) {
      this.fail()
      return new Uint8Array(0)
    }
    // Not by `slice`, which makes a view where the bytes are a Buffer; and what is copied so is short.
    const own = new Uint8Array(length)
    for (let i = 0; i < length; i++) own[i] = this.bytes[this.at++] ?? 0
    return own
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

/** What is written is mostly small, and an array of its own would cost more than the bytes in it. */
const SLAB_BYTES = 8_192
const SLAB_SHARE_MAX = 1_024
const slab = { bytes: new Uint8Array(0), used: 0 }

/** Grows as it is written; `finish` gives exactly the bytes written. */
export class Writer {
  #bytes: Uint8Array
  /** What is written lies here, and there is room up to `#end`. */
  #from = 0
  #at = 0
  #end: number

  constructor(capacity = 256) {
    this.#end = capacity
    if (capacity > SLAB_SHARE_MAX) {
      this.#bytes = new Uint8Array(capacity)
      return
    }
    if (slab.used + capacity > slab.bytes.length) {
      slab.bytes = new Uint8Array(SLAB_BYTES)
      slab.used = 0
    }
    this.#bytes = slab.bytes
    this.#from = slab.used
    this.#at = slab.used
    slab.used += capacity
    this.#end = slab.used
  }

  get length(): number {
    return this.#at - this.#from
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

  /** The `length` bytes whose hex the text is; zeros when it is not that. */
  hex(text: string, length: number): this {
    this.#reserve(length)
    const from = this.#at
    this.#at += length
    if (text.length !== 2 * length || !writeHex(this.#bytes, from, text))
      this.#bytes.fill(0, from, this.#at)
    return this
  }

  /** As UTF-8: the length in bytes as a varint, then the bytes. */
  text(text: string): this {
    const { length } = text
    if (length >= 0x80) return this.chunk(utf8Encode(text))
    this.#reserve(1 + length)
    const bytes = this.#bytes
    const at = this.#at + 1
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i)
      if (code >= 0x80) return this.chunk(utf8Encode(text))
      bytes[at + i] = code
    }
    bytes[this.#at] = length
    this.#at = at + length
    return this
  }

  /** Nothing is written after it: room that was not needed is the next writer's. */
  finish(): Uint8Array {
    if (this.#bytes === slab.bytes && this.#end === slab.used) {
      slab.used = this.#at
      this.#end = this.#at
    }
    return this.#bytes.subarray(this.#from, this.#at)
  }

  /** Begins anew over the same memory: what `finish` gave is overwritten. */
  restart(): this {
    this.#at = this.#from
    return this
  }

  #reserve(length: number): void {
    if (this.#at + length <= this.#end) return
    const written = this.#bytes.subarray(this.#from, this.#at)
    this.#end = Math.max(written.length + length, 2 * (this.#end - this.#from))
    this.#bytes = new Uint8Array(this.#end)
    this.#bytes.set(written)
    this.#at = written.length
    this.#from = 0
  }
}
