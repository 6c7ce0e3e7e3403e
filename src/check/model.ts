/**
 * What a model tells the search. A model says what a correct system would answer; a space is that model made ready
 * for the operations of one partition, with states and operations as small integers.
 */
import type { Operation } from './history.js'

/** A step that the model does not allow. */
export const IMPOSSIBLE = -1

export interface Contradiction {
  readonly operations: readonly Operation[]
  readonly why: string
}

export interface Model {
  readonly name: string
  /** Operations of different partitions do not touch each other. */
  partitionOf(operation: Operation): string
  /** A few operations that no order explains, where that is plain without a search; null when none is seen. */
  contradictionIn?(operations: readonly Operation[]): Contradiction | null
  /**
   * Throws a HistoryError for an operation that it does not know. `exact`: no two states are one, so that each can
   * be shown to people.
   */
  arrange(operations: readonly Operation[], exact?: boolean): Space
}

/**
 * Invariants. 0. An operation is optional exactly when its outcome is `info`; what failed and tells nothing is left
 * out. 1. `step` depends on nothing but its arguments. 2. Operations of one class are possible in the same
 * states and lead to the same ones. 3. An operation without an answer is possible only where it changes something:
 * elsewhere leaving it out is as good.
 */
export interface Space {
  /** Those that matter: failed ones, unknown reads and writes that nobody can have seen are left out. */
  readonly operations: readonly Operation[]
  readonly initial: number
  /** Two operations of one class are interchangeable but for their times. */
  classOf(op: number): number
  /** Never changes a state: it may come as soon as it is possible. */
  observes(op: number): boolean
  /** The state after it, or IMPOSSIBLE. */
  step(state: number, op: number): number
  /** Told of every operation that the search places, and of every one it takes back. */
  take(op: number): void
  giveBack(op: number): void
  /**
   * Whether, now that `op` led from one state to another, some operation that is left can no longer be possible, or
   * `op` was placed for nothing. Must not say so wrongly; may keep silent.
   */
  hopeless(from: number, to: number, op: number): boolean
  /** At the start: an operation that can never be possible; null where none is seen. */
  impossible(): number | null
  /** One state for all that nobody left can tell apart; what is met again is met by it. */
  alike(state: number): number
  /** The state that an operation with an answer needs; null if it needs none in particular. */
  needOf(op: number): number | null
  /** Whether nothing but starting over leads from the state to one that somebody can tell: better tried last. */
  isLost(state: number): boolean
  /** Whether the state is what an operation needs, or on the way to it. */
  serves(state: number, need: number): boolean
  /**
   * Operations that may be placed at once, in this order, without a loss; [] when there are none. `pending` may come
   * next; what was invoked after `deadline` may not.
   */
  forced(state: number, pending: readonly number[], deadline: number): readonly number[]
  /** Operations that may come just before `op`, without a loss, because `op` hides what they do. */
  hiddenBy(op: number, pending: readonly number[]): readonly number[]
  /** For people: what the state is. */
  describe(state: number): string
  /** For people: why `op` is impossible in `state`. */
  why(state: number, op: number): string
}
