/**
 * Who may lose what. In the normal mode a good copy of everything stays somewhere, so that the cluster must recover:
 * either each block of log indices has one node that may lose it, or one node may lose anything, its snapshots too (a
 * snapshot covers the blocks of all). In the hopeless mode anything may go, and then nodes may refuse to start.
 */
import { nextInt, nextUint32 } from '../base/random.js'
import type { NodeId } from '../consensus/ids.js'
import { derived, STREAM, streamOf } from './streams.js'

/** Log indices that share one node which may lose them. */
const BLOCK_INDICES = 8
/** Below three nodes nobody can spare a copy. */
const NODES_MIN = 3

export class Atlas {
  readonly hopeless: boolean
  readonly #ids: readonly NodeId[]
  readonly #draw: number
  /** The one that may lose anything; null: blocks are scattered. */
  readonly #sole: NodeId | null

  readonly #committed: () => number

  /** `committed`: up to which index every entry was on a majority once. What is beyond may have one copy only. */
  constructor(
    seed: number,
    {
      ids,
      hopeless,
      committed,
    }: {
      readonly ids: readonly NodeId[]
      readonly hopeless: boolean
      readonly committed: () => number
    },
  ) {
    this.#committed = committed
    const random = streamOf(seed, STREAM.atlas)
    this.hopeless = hopeless
    this.#ids = ids
    this.#sole =
      nextInt(random, 0, 1) === 0 ? null : (ids[nextInt(random, 0, ids.length - 1)] ?? null)
    this.#draw = nextUint32(random)
  }

  /** Anything of it, whatever it holds. */
  mayLoseAll(id: NodeId): boolean {
    return this.hopeless || (this.#ids.length >= NODES_MIN && this.#sole === id)
  }

  /** The entries of these indices; none when `from` is above `through`. */
  mayLose(id: NodeId, from: number, through: number): boolean {
    if (this.mayLoseAll(id)) return true
    if (this.#ids.length < NODES_MIN || this.#sole !== null) return false
    // No entries: a vote, of which the shape behind it is a copy, or a snapshot's record, of which it is none. A majority
    // that lost those has lost what the snapshots cover.
    if (from > through) return false
    if (through > this.#committed()) return false
    for (let block = blockOf(from); block <= blockOf(through); block++)
      if (this.#ownerOf(block) !== id) return false
    return true
  }

  #ownerOf(block: number): NodeId | undefined {
    return this.#ids[derived(this.#draw, block) % this.#ids.length]
  }
}

function blockOf(index: number): number {
  return Math.floor(index / BLOCK_INDICES)
}
