/**
 * What of one snapshot is still to be had, from its digest down: a node that is here stands for the parts under it, and
 * so on until only chunks are left, in the order of the content. Whatever does not follow from the digest is refused.
 */
import type { Hasher } from '../base/sha256.js'
import type { Cutting } from './cutter.js'
import {
  CHUNK_LEVEL,
  decodeNode,
  type Hashing,
  nameOf,
  type PartName,
  type PartRef,
} from './tree.js'

/** The snapshot that W vouch for. */
export interface Target {
  readonly digest: PartName
  /** Length of the content. */
  readonly bytes: number
}

interface Wanted extends PartRef {
  /** Null: of the topmost node the level is not known. */
  readonly level: number | null
}

export class Plan {
  readonly #newHasher: () => Hasher
  readonly #cutting: Cutting
  readonly #window: number
  /** In the order of the content, the next at the end. */
  readonly #wanted: Wanted[]
  /** Chunks that are here and not yet next. */
  readonly #held = new Map<PartName, Uint8Array>()

  /** `window`: of so many parts that come next some may be here already. */
  constructor(target: Target, { newHasher, cutting }: Hashing, window: number) {
    this.#newHasher = newHasher
    this.#cutting = cutting
    this.#window = window
    this.#wanted = [{ name: target.digest, bytes: target.bytes, level: null }]
  }

  get isDone(): boolean {
    return this.#wanted.length === 0
  }

  /** Of the parts in the window those that are not here, the next first. */
  missing(): readonly PartName[] {
    const near = this.#wanted.slice(-this.#window).reverse()
    return [...new Set(near.map(({ name }) => name))].filter((name) => !this.#held.has(name))
  }

  /** Takes what was said to be the part of this name. False: it is not, or such a part cannot stand there. */
  take(name: PartName, part: Uint8Array): boolean {
    if (nameOf(part, this.#newHasher) !== name) return false
    const at = this.#wanted.findLastIndex((wanted) => wanted.name === name)
    const wanted = this.#wanted[at]
    // It was wanted before, and came twice.
    if (wanted === undefined) return true
    return part[0] === CHUNK_LEVEL ? this.#hold(wanted, part) : this.#open(at, wanted, part)
  }

  /** The next bytes of the content, if they are here. */
  next(): Uint8Array | null {
    const wanted = this.#wanted.at(-1)
    const content = wanted === undefined ? undefined : this.#held.get(wanted.name)
    if (wanted === undefined || content === undefined) return null
    this.#wanted.pop()
    const near = this.#wanted.slice(-this.#window)
    if (!near.some(({ name }) => name === wanted.name)) this.#held.delete(wanted.name)
    return content
  }

  #hold(wanted: Wanted, part: Uint8Array): boolean {
    if (wanted.level !== CHUNK_LEVEL || part.length - 1 !== wanted.bytes) return false
    this.#held.set(wanted.name, part.subarray(1))
    return true
  }

  #open(at: number, wanted: Wanted, part: Uint8Array): boolean {
    const node = decodeNode(part, this.#cutting)
    if (node === null || (wanted.level ?? node.level) !== node.level) return false
    let bytes = 0
    for (const one of node.parts) {
      if (one.bytes === 0) return false
      bytes += one.bytes
    }
    if (bytes !== wanted.bytes) return false
    const level = node.level - 1
    const { chunkBytesMax } = this.#cutting
    if (level === CHUNK_LEVEL && node.parts.some((one) => one.bytes > chunkBytesMax)) return false
    const under = node.parts.map((one) => ({ ...one, level })).reverse()
    this.#wanted.splice(at, 1, ...under)
    return true
  }
}
