/** SHA-256 (FIPS 180-4) for pure folders; servers inject their native one where it is hot. */

/** A hash that is fed in pieces. */
export interface Hasher {
  update(bytes: Uint8Array): void
  /** Of all that was fed; the hasher ends with it. */
  digest(): Uint8Array
}

const BLOCK_BYTES = 64
const K = constants(64, 1 / 3)
const INITIAL = constants(8, 1 / 2)

/** The first 32 fractional bits of the roots of the first primes. */
function constants(count: number, power: number): Uint32Array {
  const out = new Uint32Array(count)
  let found = 0
  for (let n = 2; found < count; n++) {
    let prime = true
    for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false
    if (prime) out[found++] = Math.floor((n ** power % 1) * 0x1_0000_0000)
  }
  return out
}

export class Sha256 implements Hasher {
  readonly #state = INITIAL.slice()
  readonly #schedule = new Uint32Array(64)
  readonly #block = new Uint8Array(BLOCK_BYTES)
  #filled = 0
  #length = 0

  update(bytes: Uint8Array): void {
    this.#length += bytes.length
    let at = 0
    if (this.#filled > 0) {
      const taken = Math.min(BLOCK_BYTES - this.#filled, bytes.length)
      this.#block.set(bytes.subarray(0, taken), this.#filled)
      this.#filled += taken
      at = taken
      if (this.#filled < BLOCK_BYTES) return
      this.#compress(this.#block, 0)
      this.#filled = 0
    }
    for (; at + BLOCK_BYTES <= bytes.length; at += BLOCK_BYTES) this.#compress(bytes, at)
    this.#block.set(bytes.subarray(at), 0)
    this.#filled = bytes.length - at
  }

  digest(): Uint8Array {
    const bits = this.#length * 8
    const padding = new Uint8Array(this.#filled < 56 ? 64 - this.#filled : 128 - this.#filled)
    padding[0] = 0x80
    const view = new DataView(padding.buffer)
    view.setUint32(padding.length - 8, Math.floor(bits / 0x1_0000_0000))
    view.setUint32(padding.length - 4, bits % 0x1_0000_0000)
    this.update(padding)
    const out = new Uint8Array(32)
    const words = new DataView(out.buffer)
    this.#state.forEach((word, i) => {
      words.setUint32(4 * i, word)
    })
    return out
  }

  #compress(bytes: Uint8Array, at: number): void {
    const w = this.#schedule
    for (let i = 0; i < 16; i++) {
      const j = at + 4 * i
      w[i] =
        ((bytes[j] as number) << 24) |
        ((bytes[j + 1] as number) << 16) |
        ((bytes[j + 2] as number) << 8) |
        (bytes[j + 3] as number)
    }
    for (let i = 16; i < 64; i++) {
      const a = w[i - 15] as number
      const b = w[i - 2] as number
      const s0 = rotate(a, 7) ^ rotate(a, 18) ^ (a >>> 3)
      const s1 = rotate(b, 17) ^ rotate(b, 19) ^ (b >>> 10)
      w[i] = ((w[i - 16] as number) + s0 + (w[i - 7] as number) + s1) | 0
    }
    let [a, b, c, d, e, f, g, h] = this.#state as unknown as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ]
    for (let i = 0; i < 64; i++) {
      const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
      const choice = (e & f) ^ (~e & g)
      const t1 = (h + s1 + choice + (K[i] as number) + (w[i] as number)) | 0
      const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
      h = g
      g = f
      f = e
      e = (d + t1) | 0
      d = c
      c = b
      b = a
      a = (t1 + t2) | 0
    }
    const s = this.#state
    const added = [a, b, c, d, e, f, g, h]
    for (let i = 0; i < 8; i++) s[i] = ((s[i] as number) + (added[i] as number)) >>> 0
  }
}

function rotate(x: number, n: number): number {
  return (x >>> n) | (x << (32 - n))
}
