/**
 * Hashes that detect that two states differ: 64 bits in two 32-bit lanes, after MurmurHash3 (public domain),
 * without bigint. A state's hash is the sum, lane by lane modulo 2^32, of the hashes of its items, so that
 * adding and removing an item costs one addition and the order of items does not matter.
 *
 * Good enough: for states that differ by accident (a bug, a flipped bit) the sums are equal with
 * probability 2^-64. What it is not: cryptographic. Whoever chooses the data can find two states with equal
 * sums; where nodes lie, a digest that an attacker cannot forge must stand beside it.
 */

const C1 = 0x239b961b
const C2 = 0xab0e9789

export class Hasher {
  /** The lanes, as int32, valid after `finish`. */
  a = 0
  b = 0
  #words = 0

  begin(seed: number): this {
    this.a = seed | 0
    this.b = ~seed | 0
    this.#words = 0
    return this
  }

  /** Any safe integer. */
  number(value: number): this {
    this.#mix(value | 0, Math.floor(value / 0x1_0000_0000) | 0)
    return this
  }

  /** Two int32, such as the lanes of another hash. */
  pair(low: number, high: number): this {
    this.#mix(low, high)
    return this
  }

  /** The content and, through the length, where it ends. */
  bytes(bytes: Uint8Array, from = 0, to = bytes.length): this {
    let a = this.a
    let b = this.b
    let i = from
    for (; i + 8 <= to; i += 8) {
      const low =
        (bytes[i] as number) |
        ((bytes[i + 1] as number) << 8) |
        ((bytes[i + 2] as number) << 16) |
        ((bytes[i + 3] as number) << 24)
      const high =
        (bytes[i + 4] as number) |
        ((bytes[i + 5] as number) << 8) |
        ((bytes[i + 6] as number) << 16) |
        ((bytes[i + 7] as number) << 24)
      a ^= scrambleA(low)
      a = (a << 19) | (a >>> 13)
      a = (Math.imul((a + b) | 0, 5) + 0x561ccd1b) | 0
      b ^= scrambleB(high)
      b = (b << 17) | (b >>> 15)
      b = (Math.imul((b + a) | 0, 5) + 0x0bcaa747) | 0
    }
    this.a = a
    this.b = b
    this.#words += (i - from) / 4
    let low = 0
    let high = 0
    for (let shift = 0; i < to; i++, shift += 8) {
      if (shift < 32) low |= (bytes[i] as number) << shift
      else high |= (bytes[i] as number) << (shift - 32)
    }
    this.#mix(low, high)
    return this.number(to - from)
  }

  /** A string of code units 0 to 255, as the bytes it stands for. */
  latin1(text: string): this {
    let i = 0
    let low = 0
    let high = 0
    for (; i < text.length; i++) {
      const shift = (i & 7) << 3
      const byte = text.charCodeAt(i)
      if (shift < 32) low |= byte << shift
      else high |= byte << (shift - 32)
      if (shift === 56) {
        this.#mix(low, high)
        low = 0
        high = 0
      }
    }
    this.#mix(low, high)
    return this.number(text.length)
  }

  finish(): this {
    let a = this.a ^ this.#words
    let b = this.b ^ this.#words
    a = (a + b) | 0
    b = (b + a) | 0
    a = avalanche(a)
    b = avalanche(b)
    a = (a + b) | 0
    this.a = a
    this.b = (b + a) | 0
    return this
  }

  /** The lanes as 16 hex digits. */
  hex(): string {
    return hex32(this.a) + hex32(this.b)
  }

  #mix(low: number, high: number): void {
    let a = this.a ^ scrambleA(low)
    a = (a << 19) | (a >>> 13)
    a = (Math.imul((a + this.b) | 0, 5) + 0x561ccd1b) | 0
    let b = this.b ^ scrambleB(high)
    b = (b << 17) | (b >>> 15)
    this.a = a
    this.b = (Math.imul((b + a) | 0, 5) + 0x0bcaa747) | 0
    this.#words += 2
  }
}

function scrambleA(word: number): number {
  const k = Math.imul(word, C1)
  return Math.imul((k << 15) | (k >>> 17), C2)
}

function scrambleB(word: number): number {
  const k = Math.imul(word, C2)
  return Math.imul((k << 16) | (k >>> 16), C1)
}

function avalanche(word: number): number {
  let h = word
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

function hex32(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0')
}
