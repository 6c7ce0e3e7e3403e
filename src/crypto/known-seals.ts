/**
 * Trees of hashes whose signed root was found good: where each of their hashes stands that a seal has shown. Of a batch the
 * first seal is followed up to the root; that of its neighbour is then known at the first step, and of all together hardly
 * more hashes are computed than the tree has. A seal is known only if what is left of its path is, bit for bit, the
 * way by which the hash leads to the root:
 * 1. A client sends the primary a request under the path of another. 2. The primary, which remembers the hash alone,
 * proposes it. 3. A backup that has not seen the other refuses it, and an honest primary is taken for a liar.
 */
import { equalBytes } from '../base/bytes.js'
import { hashOf, join, type Seal, standsRight } from './seals.js'

/** Hashes remembered in all; the oldest trees go first. */
const HASHES_MAX = 32_768
/** When there are more, up to so many. */
const HASHES_KEPT = 28_672

/** A hash of a tree, and the step from it to the one above; null: it is the root. */
interface Node {
  readonly hash: Uint8Array
  readonly up: Step | null
}

interface Step {
  readonly isRight: boolean
  readonly other: Uint8Array
  readonly to: Node
}

interface Tree {
  readonly publicKey: Uint8Array
  readonly signature: Uint8Array
  /** By a short form of the hash: of two with the same one the first is known, and the other followed each time. */
  readonly nodes: Map<number, Node>
}

type Hash = (bytes: Uint8Array) => Uint8Array

export class KnownSeals {
  readonly #hash: Hash
  /** By a short form of the signature; of two with the same one the later is known. */
  readonly #trees = new Map<number, Tree>()
  #count = 0

  constructor(hash: Hash) {
    this.#hash = hash
  }

  /** True: the same root was signed, and leads here by this very path. False says nothing. */
  has(publicKey: Uint8Array, leaf: Uint8Array, seal: Seal): boolean {
    const tree = this.#treeOf(publicKey, seal)
    if (tree === null) return false
    const climbed: Uint8Array[] = []
    let hash = leaf
    for (let level = 0; level <= seal.count; level++) {
      const node = tree.nodes.get(shortOf(hash))
      if (node !== undefined && equalBytes(node.hash, hash)) {
        if (!isRest(seal, level, node)) return false
        this.#remember(tree, seal, { climbed, top: node })
        return true
      }
      if (level === seal.count) return false
      climbed.push(hash)
      hash = join(this.#hash, hash, seal, level)
    }
    return false
  }

  /** Of a seal that is good. */
  add(publicKey: Uint8Array, leaf: Uint8Array, seal: Seal): void {
    const tree = this.#treeOf(publicKey, seal) ?? this.#plant(publicKey, seal)
    const climbed: Uint8Array[] = []
    let hash = leaf
    for (let level = 0; level < seal.count; level++) {
      climbed.push(hash)
      hash = join(this.#hash, hash, seal, level)
    }
    const top: Node = { hash, up: null }
    this.#put(tree, top)
    this.#remember(tree, seal, { climbed, top })
    if (this.#count <= HASHES_MAX) return
    // Many at once, as base/oldest.ts tells.
    for (const [oldest, one] of this.#trees) {
      if (this.#count <= HASHES_KEPT || one === tree) return
      this.#fell(oldest, one)
    }
  }

  #treeOf(publicKey: Uint8Array, { signature }: Seal): Tree | null {
    const tree = this.#trees.get(shortOf(signature))
    if (tree === undefined || !equalBytes(tree.signature, signature)) return null
    return equalBytes(tree.publicKey, publicKey) ? tree : null
  }

  #plant(publicKey: Uint8Array, seal: Seal): Tree {
    // Copies: they are views of the message they came in, and would keep all of it.
    const signature = new Uint8Array(seal.signature)
    const key = shortOf(signature)
    const before = this.#trees.get(key)
    if (before !== undefined) this.#fell(key, before)
    const tree = { publicKey: new Uint8Array(publicKey), signature, nodes: new Map() }
    this.#trees.set(key, tree)
    return tree
  }

  #fell(key: number, tree: Tree): void {
    this.#trees.delete(key)
    this.#count -= tree.nodes.size
  }

  /** The hashes below `top`, and their neighbours, which the same signature vouches for. */
  #remember(
    tree: Tree,
    seal: Seal,
    { climbed, top }: { readonly climbed: readonly Uint8Array[]; readonly top: Node },
  ): void {
    let to = top
    for (let level = climbed.length - 1; level >= 0; level--) {
      const hash = climbed[level]
      if (hash === undefined) return
      const other = new Uint8Array(hashOf(seal, level))
      const isRight = standsRight(seal, level)
      const node: Node = { hash, up: { isRight, other, to } }
      this.#put(tree, node)
      this.#put(tree, { hash: other, up: { isRight: !isRight, other: hash, to } })
      to = node
    }
  }

  #put({ nodes }: Tree, node: Node): void {
    const key = shortOf(node.hash)
    if (nodes.has(key)) return
    nodes.set(key, node)
    this.#count++
  }
}

/** Whether the seal's path from this level on is the one from the node to the root. */
function isRest(seal: Seal, level: number, from: Node): boolean {
  let { up } = from
  for (; level < seal.count; level++) {
    if (up === null || up.isRight !== standsRight(seal, level)) return false
    if (!equalBytes(hashOf(seal, level), up.other)) return false
    up = up.to.up
  }
  return up === null
}

/** 30 bits, which are a map's cheapest key. */
function shortOf(bytes: Uint8Array): number {
  const [a = 0, b = 0, c = 0, d = 0] = [bytes[0], bytes[1], bytes[2], bytes[3]]
  return (a << 22) | (b << 14) | (c << 6) | (d >> 2)
}
