/**
 * One signature for many things: it is over the root of a Merkle tree, and each thing carries it with the path from
 * its leaf. A seal proves its thing by itself, whatever became of the others; who verified one of a batch has
 * verified the signature of all. A single thing has an empty path.
 */
import { assert } from '../base/assert.js'
import { utf8Encode } from '../base/utf8.js'
import { Reader, Writer } from '../base/varint.js'
import { SIGNATURE_BYTES } from './ports.js'

const HASH_BYTES = 32
/** Levels of a tree; a seal with more is none. */
const PATH_HASHES_MAX = 12
/** Things under one signature. */
export const SEALED_MAX: number = 2 ** PATH_HASHES_MAX
/** Keeps a level's hash from passing for a leaf's, which are over texts that begin otherwise. */
const NODE_CONTEXT = utf8Encode('quorate-seal-node-1')
const ROOT_CONTEXT = utf8Encode('quorate-seal-root-1')
/** What is hashed is needed no longer: the same memory for all of it. */
const HASHED = new Writer(96)

type Hash = (bytes: Uint8Array) => Uint8Array

/** As it was sent: nothing of it is verified. */
export interface Seal {
  /** Levels from the leaf to the root. */
  readonly count: number
  /** Bit i: the i-th hash stands to the left. */
  readonly sides: number
  readonly hashes: Uint8Array
  readonly signature: Uint8Array
}

/** Of leaves that are hashes over what is said, its context included; one seal a leaf. */
export function seal(
  hash: Hash,
  sign: (bytes: Uint8Array) => Uint8Array,
  leaves: readonly Uint8Array[],
): Uint8Array[] {
  assert(leaves.length > 0 && leaves.length <= SEALED_MAX, 'too many under one signature')
  const levels = [leaves]
  for (let below = leaves; below.length > 1; ) {
    const level: Uint8Array[] = []
    for (let i = 0; i < below.length; i += 2) level.push(parentOf(hash, below, i))
    levels.push(level)
    below = level
  }
  const [root] = levels.at(-1) ?? []
  assert(root !== undefined, 'a tree has a root')
  const signature = sign(rootBytes(root))
  return leaves.map((_, i) => encode(pathOf(levels, i), signature))
}

/** Null: it is no seal. Its parts are views of the bytes. */
export function readSeal(bytes: Uint8Array): Seal | null {
  const r = new Reader(bytes)
  const count = r.byte()
  if (count > PATH_HASHES_MAX) return null
  const sides = r.varint()
  if (sides >= 2 ** count) return null
  const hashes = r.take(count * HASH_BYTES)
  const signature = r.take(SIGNATURE_BYTES)
  return r.ok && r.left === 0 ? { count, sides, hashes, signature } : null
}

/** How many of these bytes a seal at their start takes; null: none stands there. */
export function sealLength(bytes: Uint8Array): number | null {
  const r = new Reader(bytes)
  const count = r.byte()
  r.varint()
  r.take(count * HASH_BYTES + SIGNATURE_BYTES)
  return r.ok ? bytes.length - r.left : null
}

/** What the seal says was signed, if it is one of this leaf. Verifies nothing. */
export function signedBySeal(hash: Hash, leaf: Uint8Array, seal: Seal): Uint8Array {
  let node = leaf
  for (let level = 0; level < seal.count; level++) node = join(hash, node, seal, level)
  return rootBytes(node)
}

/** The hash above a node that the seal leads through at this level. */
export function join(hash: Hash, node: Uint8Array, seal: Seal, level: number): Uint8Array {
  const other = hashOf(seal, level)
  return standsRight(seal, level) ? joined(hash, other, node) : joined(hash, node, other)
}

/** Whether the node at this level has the seal's hash to its left. */
export function standsRight({ sides }: Seal, level: number): boolean {
  return ((sides >> level) & 1) === 1
}

/** The neighbour at this level. */
export function hashOf({ hashes }: Seal, level: number): Uint8Array {
  return hashes.subarray(level * HASH_BYTES, (level + 1) * HASH_BYTES)
}

interface Path {
  /** Bit i: the i-th hash stands to the left. */
  readonly sides: number
  readonly hashes: readonly Uint8Array[]
}

/** The last of an odd level has no neighbour: it rises as it is. */
function parentOf(hash: Hash, level: readonly Uint8Array[], i: number): Uint8Array {
  const [left, right] = [level[i], level[i + 1]]
  assert(left !== undefined, 'inside the level')
  return right === undefined ? left : joined(hash, left, right)
}

function pathOf(levels: readonly (readonly Uint8Array[])[], leaf: number): Path {
  const hashes: Uint8Array[] = []
  let sides = 0
  let i = leaf
  for (const level of levels) {
    const isRight = i % 2 === 1
    const other = level[isRight ? i - 1 : i + 1]
    if (other !== undefined) {
      if (isRight) sides |= 1 << hashes.length
      hashes.push(other)
    }
    i = i >> 1
  }
  return { sides, hashes }
}

function encode({ sides, hashes }: Path, signature: Uint8Array): Uint8Array {
  const w = new Writer(3 + HASH_BYTES * hashes.length + SIGNATURE_BYTES)
  w.byte(hashes.length).varint(sides)
  for (const one of hashes) w.raw(one)
  return w.raw(signature).finish()
}

function joined(hash: Hash, left: Uint8Array, right: Uint8Array): Uint8Array {
  return hash(HASHED.restart().raw(NODE_CONTEXT).raw(left).raw(right).finish())
}

function rootBytes(root: Uint8Array): Uint8Array {
  return new Writer(64).raw(ROOT_CONTEXT).raw(root).finish()
}
