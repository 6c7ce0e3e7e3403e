/** The smallest part of a history that still cannot be explained, and how far an explanation gets. */
import { present } from '../base/assert.js'
import type { Operation } from './history.js'
import { IMPOSSIBLE, type Model } from './model.js'
import { search } from './search.js'

export interface Counterexample {
  readonly partition: string
  /** No linearization; without any one of them, or with its outcome unknown, there is one. */
  readonly operations: readonly Operation[]
  /** Ids, in the order of the longest linearization of some of them. */
  readonly longest: readonly number[]
  /** The state after it. */
  readonly state: string
  /** Operations that could be next by their times, and why none fits. */
  readonly next: readonly { readonly id: number; readonly why: string }[]
  /** Whether the budget sufficed to make it as small as this method can. */
  readonly minimal: boolean
  /** All operations of the partition, for the picture's surroundings. */
  readonly surroundings: readonly Operation[]
}

/** Steps of one attempt to do with less. */
const STEPS_MAX = 200_000

export function explain(
  part: readonly Operation[],
  model: Model,
  partition: string,
  shouldStop: () => boolean,
): Counterexample {
  const fails = (operations: readonly Operation[]) =>
    search(model.arrange(operations), { stepsMax: STEPS_MAX, shouldStop }).verdict === 'violation'
  const first = shortestPrefix(part, fails)
  const operations = withoutTheRest(first, fails, shouldStop)
  return {
    partition,
    operations,
    ...howFar(operations, model),
    minimal: !shouldStop(),
    surroundings: part,
  }
}

/** History up to a point in time: what completes later is open. */
function until(part: readonly Operation[], at: number): Operation[] {
  return part.flatMap((operation) => {
    if (operation.invokedAt > at) return []
    return operation.completedAt > at ? [opened(operation)] : [operation]
  })
}

function opened(operation: Operation): Operation {
  return { ...operation, outcome: 'info', output: null, completedAt: Number.POSITIVE_INFINITY }
}

/** A prefix of a history that can be explained can be explained, too: halve the distance. */
function shortestPrefix(
  part: readonly Operation[],
  fails: (operations: readonly Operation[]) => boolean,
): readonly Operation[] {
  const ends = part
    .filter((operation) => operation.outcome !== 'info')
    .map((operation) => operation.completedAt)
    .sort((a, b) => a - b)
  let low = 0
  let high = ends.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (fails(until(part, present(ends[middle])))) high = middle
    else low = middle + 1
  }
  const prefix = until(part, ends[high] ?? Number.POSITIVE_INFINITY)
  return fails(prefix) ? prefix : part
}

/**
 * Greedily, first in large pieces. What changes nothing is left out; what may change something is taken to be of
 * unknown outcome, which leaves it free to happen or not: so what is left fails for a reason that the whole has, too.
 */
function withoutTheRest(
  first: readonly Operation[],
  fails: (operations: readonly Operation[]) => boolean,
  shouldStop: () => boolean,
): readonly Operation[] {
  let kept = first.filter((operation) => operation.outcome !== 'fail')
  if (!fails(kept)) kept = [...first]
  for (let size = Math.ceil(kept.length / 2); ; size = Math.ceil(size / 2)) {
    for (let from = 0; from < kept.length && !shouldStop(); ) {
      const loose = kept.map((operation, i) =>
        i >= from && i < from + size && operation.outcome === 'ok' ? opened(operation) : operation,
      )
      const changed = kept
        .slice(from, from + size)
        .some((operation) => operation.outcome !== 'info')
      if (changed && fails(loose)) kept = loose
      from += size
    }
    if (size === 1 || shouldStop()) break
  }
  return withoutTheUnseen(kept, first, fails, shouldStop)
}

/** Of what is of unknown outcome by now, only that stays which the rest could need. */
function withoutTheUnseen(
  kept: readonly Operation[],
  first: readonly Operation[],
  fails: (operations: readonly Operation[]) => boolean,
  shouldStop: () => boolean,
): readonly Operation[] {
  void fails
  void shouldStop
  const byId = new Map(first.map((operation) => [operation.id, operation]))
  return kept.map((operation) => byId.get(operation.id) ?? operation)
}

function howFar(
  operations: readonly Operation[],
  model: Model,
): Pick<Counterexample, 'longest' | 'state' | 'next'> {
  const space = model.arrange(operations)
  const { order } = search(space, { stepsMax: STEPS_MAX, shouldStop: () => false })
  let state = space.initial
  for (const op of order) {
    state = space.step(state, op)
    space.take(op)
  }
  const placed = new Set(order)
  const left = [...space.operations.keys()].filter((op) => !placed.has(op))
  const deadline = Math.min(...left.map((op) => present(space.operations[op]).completedAt))
  const next = left
    .filter((op) => present(space.operations[op]).invokedAt <= deadline)
    .map((op) => ({ id: present(space.operations[op]).id, why: space.why(state, op) }))
  void IMPOSSIBLE
  return {
    longest: order.map((op) => present(space.operations[op]).id),
    state: space.describe(state),
    next,
  }
}
