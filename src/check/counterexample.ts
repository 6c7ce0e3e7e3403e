/** The smallest part of a history that still cannot be explained, and how far an explanation gets. */
import { present } from '../base/assert.js'
import type { Operation } from './history.js'
import type { Contradiction, Model, Space } from './model.js'
import { search } from './search.js'
import { encodeValue, isList, type Value } from './value.js'

export interface Counterexample {
  readonly partition: string
  /** No order explains them. Made few, greedily: each was tried without. */
  readonly operations: readonly Operation[]
  /** Ids, in the order of the longest linearization of some of them. */
  readonly longest: readonly number[]
  /** The state after it; null where it takes more than these operations to know. */
  readonly state: string | null
  /** Operations that could be next by their times, and why none fits. */
  readonly next: readonly { readonly id: number; readonly why: string }[]
  /** For each value that one of these saw: who brought it last before, as far as inputs tell. */
  readonly sources: readonly { readonly value: Value; readonly operation: Operation }[]
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
  const smallest = withoutTheRest(first, model, fails, shouldStop)
  const operations = fails(smallest) ? smallest : first
  const far = howFar(operations, model)
  return {
    partition,
    operations,
    ...far,
    sources: sourcesOf(operations, far.next, part),
    minimal: operations === smallest && !shouldStop(),
    surroundings: part,
  }
}

/** A contradiction that needed no search. */
export function explainPlain(
  part: readonly Operation[],
  { operations, why }: Contradiction,
  partition: string,
): Counterexample {
  const last = operations[operations.length - 1]
  return {
    partition,
    operations,
    longest: operations.slice(0, -1).map((operation) => operation.id),
    state: null,
    next: last === undefined ? [] : [{ id: last.id, why }],
    sources: [],
    minimal: true,
    surroundings: part,
  }
}

/** History up to a point in time: what completes later is open. */
function until(part: readonly Operation[], at: number): Operation[] {
  return part.flatMap((operation) => {
    if (operation.invokedAt > at) return []
    return operation.completedAt > at
      ? [{ ...freed(operation), completedAt: Number.POSITIVE_INFINITY }]
      : [operation]
  })
}

/** It happened in its time, or not at all. */
function freed(operation: Operation): Operation {
  return { ...operation, outcome: 'info', output: null }
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
 * Greedily, first in large pieces. An operation is freed, not removed: it may have happened in its time or not. So
 * what is left fails for a reason that the whole has, too.
 */
function withoutTheRest(
  first: readonly Operation[],
  model: Model,
  fails: (operations: readonly Operation[]) => boolean,
  shouldStop: () => boolean,
): readonly Operation[] {
  let kept = first.filter((operation) => operation.outcome !== 'fail')
  if (!fails(kept)) kept = [...first]
  for (let size = Math.ceil(kept.length / 2); ; size = Math.ceil(size / 2)) {
    for (let from = 0; from < kept.length && !shouldStop(); ) {
      const loose = kept.map((operation, i) =>
        i >= from && i < from + size && operation.outcome !== 'info' ? freed(operation) : operation,
      )
      const changed = kept
        .slice(from, from + size)
        .some((operation) => operation.outcome !== 'info')
      if (changed && fails(loose)) kept = loose
      from += size
    }
    if (size === 1 || shouldStop()) break
  }
  // Of those that are free the model keeps only what the rest could need.
  const byId = new Map(first.map((operation) => [operation.id, operation]))
  return model.arrange(kept).operations.map((operation) => byId.get(operation.id) ?? operation)
}

function howFar(
  operations: readonly Operation[],
  model: Model,
): Pick<Counterexample, 'longest' | 'state' | 'next'> {
  const space = withoutForesight(model.arrange(operations, true))
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
    // Those of unknown outcome do not have to be next.
    .filter((op) => {
      const { invokedAt, outcome } = present(space.operations[op])
      return invokedAt <= deadline && outcome !== 'info'
    })
    .map((op) => ({ id: present(space.operations[op]).id, why: space.why(state, op) }))
  return {
    longest: order.map((op) => present(space.operations[op]).id),
    state: space.describe(state),
    next,
  }
}

/** Places whatever it can: for showing how far it gets, rather than that it gets nowhere. */
function withoutForesight(space: Space): Space {
  return {
    operations: space.operations,
    initial: space.initial,
    classOf: (op) => space.classOf(op),
    observes: (op) => space.observes(op),
    step: (state, op) => space.step(state, op),
    take: (op) => space.take(op),
    giveBack: (op) => space.giveBack(op),
    hopeless: () => false,
    impossible: () => null,
    alike: (state) => state,
    needOf: (op) => space.needOf(op),
    isLost: (state) => space.isLost(state),
    serves: (state, need) => space.serves(state, need),
    forced: () => [],
    hiddenBy: () => [],
    describe: (state) => space.describe(state),
    why: (state, op) => space.why(state, op),
  }
}

function sourcesOf(
  operations: readonly Operation[],
  next: Counterexample['next'],
  part: readonly Operation[],
): Counterexample['sources'] {
  const shown = new Set(operations.map((operation) => operation.id))
  const sources = new Map<string, { value: Value; operation: Operation }>()
  for (const { id } of next) {
    const looked = operations.find((operation) => operation.id === id)
    if (looked === undefined || looked.outcome !== 'ok') continue
    const value = isList(looked.input) ? (looked.input[0] ?? null) : looked.output
    if (value === null) continue
    const writers = part.filter(
      (operation) => operation.invokedAt <= looked.completedAt && writes(operation, value),
    )
    const last = writers[writers.length - 1]
    if (last !== undefined && !shown.has(last.id))
      sources.set(encodeValue(value), { value, operation: last })
  }
  return [...sources.values()]
}

function writes({ f, input }: Operation, value: Value): boolean {
  if (f === 'read' || f === 'get') return false
  const brought = isList(input) && f === 'cas' ? (input[1] ?? null) : input
  return encodeValue(brought) === encodeValue(value)
}
