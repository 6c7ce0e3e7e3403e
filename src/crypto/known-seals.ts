/**
 * Trees of hashes whose signed root was found good: where each of their hashes stands that a seal has shown. Of a batch the
 * first seal is followed up to the root; that of its neighbour is then known at the first step, and of all together hardly
 * more hashes are computed than the tree has. A seal is known only if what is left of its path is, bit for bit, the
 * way by which the hash leads to the root:
 * 1. A client sends the primary a request under the path of another. 2. The primary, which remembers the hash alone,
 * proposes it. 3. A backup that has not seen the other refuses it, and an honest primary is taken for a liar.
 */
import { latin1Decode } from '../base/utf8.js'
import { hashOf, join, type Seal, standsRight } from './seals.js'

/** Hashes remembered in all; the oldest trees go first. */
const HASHES_MAX = 32_768

/** The step from a hash to the one above it; null: it is the root. */
type Place = {
  readonly isRight: boolean
  readonly other: Uint8Array
  readonly up: Place
} | null

type Hash = (bytes: Uint8Array) => Uint8Array

export class KnownSeals {
  readonly #hash: Hash
  /** By key and signature; in each the places of its hashes. */
  readonly #trees = new Map<string, Map<string, Place>>()
  #count = 0

  constructor(hash: Hash) {
    this.#hash = hash
  }

  /** True: the same root was signed, and leads here by this very path. False says nothing. */
  has(publicKey: Uint8Array, leaf: Uint8Array, seal: Seal): boolean {
    const tree = this.#trees.get(treeKey(publicKey, seal))
    if (tree === undefined) return false
    const climbed: Uint8Array[] = []
    let node = leaf
    for (let level = 0; level <= seal.count; level++) {
      const place = tree.get(latin1Decode(node))
      if (place !== undefined) {
        if (!isRest(seal, level, place)) return false
        this.#remember(tree, { seal, climbed, top: place })
        return true
      }
      if (level === seal.count) return false
      climbed.push(node)
      node = join(this.#hash, node, seal, level)
    }
    return false
  }

  /** Of a seal that is good. */
  add(publicKey: Uint8Array, leaf: Uint8Array, seal: Seal): void {
    const key = treeKey(publicKey, seal)
    const tree = this.#trees.get(key) ?? new Map<string, Place>()
    this.#trees.set(key, tree)
    const climbed: Uint8Array[] = []
    let node = leaf
    for (let level = 0; level < seal.count; level++) {
      climbed.push(node)
      node = join(this.#hash, node, seal, level)
    }
    this.#put(tree, node, null)
    this.#remember(tree, { seal, climbed, top: null })
    for (const [oldest, hashes] of this.#trees) {
      if (this.#count <= HASHES_MAX || oldest === key) return
      this.#trees.delete(oldest)
      this.#count -= hashes.size
    }
  }

  /** The hashes below `top`, and their neighbours, which the same signature vouches for. */
  #remember(
    tree: Map<string, Place>,
    {
      seal,
      climbed,
      top,
    }: { readonly seal: Seal; readonly climbed: readonly Uint8Array[]; readonly top: Place },
  ): void {
    let up = top
    for (let level = climbed.length - 1; level >= 0; level--) {
      const own = climbed[level]
      if (own === undefined) return
      // A copy: it is a view of the message it came in, and would keep all of it.
      const other = new Uint8Array(hashOf(seal, level))
      const isRight = standsRight(seal, level)
      const place: Place = { isRight, other, up }
      this.#put(tree, own, place)
      this.#put(tree, other, { isRight: !isRight, other: own, up })
      up = place
    }
  }

  #put(tree: Map<string, Place>, hash: Uint8Array, place: Place): void {
    const key = latin1Decode(hash)
    if (tree.has(key)) return
    tree.set(key, place)
    this.#count++
  }
}

/** Whether the seal's path from this level on is the one from the place to the root. */
function isRest(seal: Seal, level: number, from: Place): boolean {
  let place = from
  for (; level < seal.count; level++) {
    if (place === null || place.isRight !== standsRight(seal, level)) return false
    const other = hashOf(seal, level)
    for (let i = 0; i < other.length; i++) if (other[i] !== place.other[i]) return false
    place = place.up
  }
  return place === null
}

function treeKey(publicKey: Uint8Array, { signature }: Seal): string {
  return latin1Decode(publicKey) + latin1Decode(signature)
}
