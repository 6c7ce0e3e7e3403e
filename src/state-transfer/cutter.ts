/**
 * Cuts content into chunks where the content itself says so: behind bytes whose rolling hash ends in zeros. What is
 * inserted or removed in one place moves no cut elsewhere, so two snapshots of nearly one state share nearly all of
 * their chunks, which cuts at fixed offsets do not (docs/decisions/0005).
 */
import { nextUint32, seededRandom } from '../base/random.js'

/** How content is cut, and how many parts hang under one node: a part of what a digest means, the same on all replicas. */
export interface Cutting {
  readonly chunkBytesMin: number
  readonly chunkBytesMax: number
  /** A cut comes, behind the minimum, every 2^bits bytes on average. */
  readonly bits: number
  /** Parts under one node of the tree. */
  readonly fanOut: number
}

const KIB = 1024

export const CUTTING: Cutting = {
  chunkBytesMin: 16 * KIB,
  chunkBytesMax: 256 * KIB,
  bits: 15,
  fanOut: 256,
}

/** So many bytes decide about a cut: a bit of the hash is gone after as many shifts. */
const WINDOW_BYTES = 32
const GEAR = gear(0x71756f)

/** A random number for each byte: part of the format, as the seed is. */
function gear(seed: number): Int32Array {
  const random = seededRandom(seed)
  return Int32Array.from({ length: 256 }, () => nextUint32(random) | 0)
}

export class Cutter {
  readonly #min: number
  readonly #max: number
  /** The high bits: those that all bytes of the window have a part in. */
  readonly #mask: number
  #hash = 0
  /** Of the chunk that is being cut. */
  #length = 0

  constructor({ chunkBytesMin, chunkBytesMax, bits }: Cutting) {
    this.#min = chunkBytesMin
    this.#max = chunkBytesMax
    this.#mask = (0xffffffff << (32 - bits)) | 0
  }

  /** Where the chunk ends within `bytes`, of which it has those from `at` on; null: not in them. */
  next(bytes: Uint8Array, at: number): number | null {
    const begin = at - this.#length
    const last = Math.min(bytes.length, begin + this.#max)
    const mask = this.#mask
    let hash = this.#hash
    // What is far below the minimum decides nothing.
    let i = Math.max(at, begin + this.#min - WINDOW_BYTES)
    for (const free = Math.min(last, begin + this.#min); i < free; i++)
      hash = ((hash << 1) + (GEAR[bytes[i] as number] as number)) | 0
    for (; i < last; i++) {
      hash = ((hash << 1) + (GEAR[bytes[i] as number] as number)) | 0
      if ((hash & mask) === 0) return this.#cut(i + 1)
    }
    if (last === begin + this.#max) return this.#cut(last)
    this.#hash = hash
    this.#length = bytes.length - begin
    return null
  }

  #cut(end: number): number {
    this.#hash = 0
    this.#length = 0
    return end
  }
}
