/** Says what is linearizable by trying every order: slow, and too simple to be wrong. */
import type { Operation } from '../../../src/check/index.js'

/** Undefined: impossible. */
export type Step<S> = (state: S, operation: Operation) => S | undefined

export function tryEveryOrder<S>(operations: readonly Operation[], initial: S, step: Step<S>) {
  const happened = operations.filter((operation) => operation.outcome !== 'fail')
  const place = (state: S, left: readonly Operation[]): boolean => {
    if (left.every((operation) => operation.outcome === 'info')) return true
    return left.some((operation) => {
      const rest = left.filter((other) => other !== operation)
      const before = rest.filter((other) => other.completedAt < operation.invokedAt)
      if (before.some((other) => other.outcome === 'ok')) return false
      const next = step(state, operation)
      // One that may have happened in its time or not: its time is over.
      const after = rest.filter((other) => !before.includes(other))
      return next !== undefined && place(next, after)
    })
  }
  return place(initial, happened)
}

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)

export const stepCell: Step<unknown> = (state, { f, input, output, outcome, process }) => {
  const known = outcome === 'ok'
  switch (f) {
    case 'read':
    case 'get':
      return !known || same(state, output) ? state : undefined
    case 'write':
    case 'put':
      return input
    case 'delete':
      return null
    case 'append':
      return typeof input === 'string'
        ? ((state as string | null) ?? '') + input
        : [...((state as unknown[] | null) ?? []), input]
    case 'cas': {
      const [expected, value] = input as [unknown, unknown]
      if (same(state, expected)) return value
      return known ? undefined : state
    }
    case 'differs':
      return known && same(state, (input as unknown[])[0]) ? undefined : state
    case 'acquire':
      if (state === null) return input ?? process
      return known ? undefined : state
    case 'release':
      if (same(state, input ?? process)) return null
      return known ? undefined : state
    default:
      throw new Error(f)
  }
}
