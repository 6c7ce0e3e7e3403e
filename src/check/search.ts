/**
 * The search of Wing and Gong with the memo of Lowe, without recursion: place one operation after the other, each
 * before any operation that was invoked after it had completed; go back where nothing fits.
 *
 * What keeps it short, and why each is without loss:
 * - An operation that changes nothing comes as soon as it is possible: it takes nothing from the others.
 * - Of interchangeable operations the one that ends first comes first: in any order they could be swapped.
 * - A configuration is what is left and the state. With the same left and the same state, one that has used fewer
 *   operations of unknown outcome can do all that the other can, for nobody has to use them. (Such an operation has
 *   no end, but for those that a counterexample was freed from: they happened in their time or not at all.)
 * - The model tells which configurations are hopeless and which operations may come at once.
 */
import { present } from '../base/assert.js'
import type { Space } from './model.js'
import { Board } from './search-board.js'
import { Memo } from './search-memo.js'

export interface SearchLimits {
  /** Placements tried. */
  readonly stepsMax: number
  /** Asked now and then; the search ends as unknown once it says yes. */
  readonly shouldStop: () => boolean
  /**
   * Which of the operations of unknown outcome to try first: those asked latest, or earliest. Neither is better, but
   * often one finds in a moment what the other does not.
   */
  readonly latestFirst?: boolean
}

export interface SearchResult {
  readonly verdict: 'ok' | 'violation' | 'unknown'
  readonly steps: number
  /** Operations of the space in a legal order: all of them, or the most that were ever placed. */
  readonly order: readonly number[]
}

/** Steps between two questions whether to stop. */
const STOP_EVERY_STEPS = 512

interface Frame {
  /** Length of the order before what this frame placed. */
  readonly mark: number
  readonly state: number
  /** Pairs of an operation and the state after it. */
  readonly choices: readonly number[]
  next: number
}

export function search(space: Space, limits: SearchLimits): SearchResult {
  const board = new Board(space)
  const memo = new Memo(board, space)
  const frames: Frame[] = []
  if (space.impossible() !== null) return { verdict: 'violation', steps: 0, order: [] }
  let steps = 0
  let asked = 0
  let best: readonly number[] = []
  let bestDone = -1
  let arrived: number | null = space.initial
  let mark = 0
  for (;;) {
    if (arrived !== null) {
      const state = board.settle(arrived)
      if (board.remaining === 0) return { verdict: 'ok', steps, order: board.order.slice() }
      const choices = memo.isNew(state) ? board.choices(state, limits.latestFirst === true) : []
      steps += 1 + choices.length / 2
      frames.push({ mark, state, choices, next: 0 })
      arrived = null
      if (board.done > bestDone && choices.length === 0) {
        bestDone = board.done
        best = board.order.slice()
      }
    }
    const frame = frames[frames.length - 1]
    if (frame === undefined) return { verdict: 'violation', steps, order: best }
    if (frame.next === frame.choices.length) {
      board.backTo(frame.mark)
      frames.pop()
      continue
    }
    if (steps - asked >= STOP_EVERY_STEPS) {
      asked = steps
      if (steps >= limits.stepsMax || limits.shouldStop())
        return { verdict: 'unknown', steps, order: best }
    }
    const op = present(frame.choices[frame.next])
    const to = present(frame.choices[frame.next + 1])
    frame.next += 2
    mark = board.order.length
    board.hideBefore(op)
    board.take(op)
    if (space.hopeless(frame.state, to, op)) {
      if (board.done > bestDone) {
        bestDone = board.done
        best = board.order.slice()
      }
      board.backTo(mark)
    } else arrived = to
  }
}
