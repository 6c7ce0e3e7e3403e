/** Small trees, so that a few KB of content have several levels, and a peer that answers as it is told to. */
import { nextInt, seededRandom } from '../../../src/base/random.js'
import { Sha256 } from '../../../src/base/sha256.js'
import type { Cutting } from '../../../src/state-transfer/cutter.js'
import {
  chunkPart,
  type Hashing,
  type PartName,
  type Tree,
  TreeHasher,
} from '../../../src/state-transfer/tree.js'

export const SMALL: Cutting = { chunkBytesMin: 40, chunkBytesMax: 200, bits: 6, fanOut: 4 }
export const HASHING: Hashing = { newHasher: () => new Sha256(), cutting: SMALL }

export function randomBytes(seed: number, length: number): Uint8Array {
  const random = seededRandom(seed)
  return Uint8Array.from({ length }, () => nextInt(random, 0, 255))
}

export function treeOf(content: Uint8Array, hashing: Hashing = HASHING): Tree {
  const hasher = new TreeHasher(hashing)
  hasher.update(content)
  return hasher.tree()
}

/** What an honest source answers; null: it has no such part. */
export function partOf(content: Uint8Array, tree: Tree, name: PartName): Uint8Array | null {
  const chunk = tree.chunk(name)
  if (chunk === null) return tree.node(name)
  return chunkPart(content.subarray(chunk.offset, chunk.offset + chunk.bytes))
}
