/**
 * The tree of hashes over a snapshot's content (Merkle 1987). A part is a chunk of the content or a node, which lists
 * the parts under it; it is named by the hash of its bytes, of which the first tells its level, so no part passes for
 * one of another level. The name of the topmost node is the snapshot's digest: whoever knows it can tell of each part,
 * whoever sends it, whether it belongs there.
 */
import { concat, fromHex, toHex } from '../base/bytes.js'
import type { Hasher } from '../base/sha256.js'
import { Reader, Writer } from '../base/varint.js'
import { Cutter, type Cutting } from './cutter.js'

/** Hex of a hash: what a part is called. */
export type PartName = string

/** A part as its parent speaks of it. */
export interface PartRef {
  readonly name: PartName
  /** Bytes of the content that it covers. */
  readonly bytes: number
}

export interface Hashing {
  readonly newHasher: () => Hasher
  readonly cutting: Cutting
}

export const CHUNK_LEVEL = 0
/** With 256 parts a node, more than any content has. */
export const LEVELS_MAX = 8
const HASH_BYTES = 32

export function nameOf(part: Uint8Array, newHasher: () => Hasher): PartName {
  const hasher = newHasher()
  hasher.update(part)
  return toHex(hasher.digest())
}

export function encodeNode(level: number, parts: readonly PartRef[]): Uint8Array {
  const out = new Writer(1 + parts.length * (HASH_BYTES + 4)).byte(level)
  for (const { name, bytes } of parts) out.raw(fromHex(name) ?? new Uint8Array(0)).varint(bytes)
  return out.finish()
}

/** Null: no such node has these bytes. */
export function decodeNode(
  part: Uint8Array,
  { fanOut }: Cutting,
): { readonly level: number; readonly parts: readonly PartRef[] } | null {
  const reader = new Reader(part)
  const level = reader.byte()
  if (level === CHUNK_LEVEL || level > LEVELS_MAX) return null
  const parts: PartRef[] = []
  while (reader.ok && reader.left > 0) {
    const name = toHex(reader.take(HASH_BYTES))
    parts.push({ name, bytes: reader.varint() })
    if (parts.length > fanOut) return null
  }
  return reader.ok ? { level, parts } : null
}

/** Hashes content into the tree over it; its digest is the topmost node's name. */
export class TreeHasher implements Hasher {
  readonly #hashing: Hashing
  readonly #cutter: Cutter
  readonly #chunks: PartRef[] = []
  #chunk: Hasher | null = null
  #chunkBytes = 0

  constructor(hashing: Hashing) {
    this.#hashing = hashing
    this.#cutter = new Cutter(hashing.cutting)
  }

  update(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const cut = this.#cutter.next(bytes, at)
      const end = cut ?? bytes.length
      this.#add(bytes.subarray(at, end))
      if (cut !== null) this.#endChunk()
      at = end
    }
  }

  digest(): Uint8Array {
    return fromHex(this.tree().digest) ?? new Uint8Array(0)
  }

  /** The tree over all that was fed; the hasher ends with it. */
  tree(): Tree {
    if (this.#chunkBytes > 0) this.#endChunk()
    return new Tree(this.#chunks, this.#hashing)
  }

  #add(bytes: Uint8Array): void {
    this.#chunk ??= this.#newChunk()
    this.#chunk.update(bytes)
    this.#chunkBytes += bytes.length
  }

  #newChunk(): Hasher {
    const hasher = this.#hashing.newHasher()
    hasher.update(Uint8Array.of(CHUNK_LEVEL))
    return hasher
  }

  #endChunk(): void {
    if (this.#chunk === null) return
    this.#chunks.push({ name: toHex(this.#chunk.digest()), bytes: this.#chunkBytes })
    this.#chunk = null
    this.#chunkBytes = 0
  }
}

/** A whole tree: where each chunk lies in the content, and the nodes as they are sent. */
export class Tree {
  readonly digest: PartName
  readonly #nodes = new Map<PartName, Uint8Array>()
  readonly #chunks = new Map<PartName, { readonly offset: number; readonly bytes: number }>()

  constructor(chunks: readonly PartRef[], { newHasher, cutting }: Hashing) {
    let offset = 0
    for (const { name, bytes } of chunks) {
      if (!this.#chunks.has(name)) this.#chunks.set(name, { offset, bytes })
      offset += bytes
    }
    let below = chunks
    for (let level = 1; ; level++) {
      const nodes: PartRef[] = []
      for (let at = 0; at === 0 || at < below.length; at += cutting.fanOut) {
        const parts = below.slice(at, at + cutting.fanOut)
        const node = encodeNode(level, parts)
        const name = nameOf(node, newHasher)
        this.#nodes.set(name, node)
        nodes.push({ name, bytes: parts.reduce((sum, part) => sum + part.bytes, 0) })
      }
      below = nodes
      if (nodes.length === 1) break
    }
    this.digest = below[0]?.name ?? ''
  }

  node(name: PartName): Uint8Array | null {
    return this.#nodes.get(name) ?? null
  }

  /** Where its bytes lie in the content. */
  chunk(name: PartName): { readonly offset: number; readonly bytes: number } | null {
    return this.#chunks.get(name) ?? null
  }

  get chunkCount(): number {
    return this.#chunks.size
  }
}

/** A chunk as it is sent. */
export function chunkPart(content: Uint8Array): Uint8Array {
  return concat([Uint8Array.of(CHUNK_LEVEL), content])
}
