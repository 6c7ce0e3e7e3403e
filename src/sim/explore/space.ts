/** What a search needs of a space of worlds: rows of whole numbers, the moves from one to the next, and words for them. */

/** `next` is only lent: it holds until the next call. `broken`: a promise that this move broke. */
export type OnMoveOf<V> = (move: V, next: Int32Array, broken: string | null) => void

export interface Tables {
  /** Distinct nodes, messages, and steps that the cores really took. */
  readonly nodes: number
  readonly flights: number
  readonly coreSteps: number
  /** Moves not taken because of a bound on what may be in flight. */
  readonly cut: number
}

export interface Space<V> {
  /** Numbers in a row. */
  readonly width: number
  readonly tables: Tables
  /** Every move that can be made, in a fixed order. */
  moves(world: Int32Array, onMove: OnMoveOf<V>): void
  /** The row that stands for this one and all that are the same but for names. */
  canonical(world: Int32Array, into: Int32Array): void
  describeMove(move: V): string
  /** With what the move made of the node at which it happened. */
  describeStep(move: V, next: Int32Array): string
}
