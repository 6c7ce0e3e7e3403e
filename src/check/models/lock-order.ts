/** What owners of a lock contradict without any search: two of them, and no release that could lie between. */
import type { Operation } from '../history.js'
import type { Contradiction } from '../model.js'
import { encodeValue, showValue, type Value } from '../value.js'

export function ownerOf(operation: Operation): Value {
  return operation.input ?? operation.process
}

export function contradictionOfOwners(operations: readonly Operation[]): Contradiction | null {
  const releases = new Map<string, Operation[]>()
  for (const operation of operations) {
    if (operation.f !== 'release' || operation.outcome === 'fail') continue
    const owner = encodeValue(ownerOf(operation))
    releases.set(owner, [...(releases.get(owner) ?? []), operation])
  }
  const acquires = operations
    .filter(({ f, outcome }) => f === 'acquire' && outcome === 'ok')
    .sort((a, b) => a.invokedAt - b.invokedAt)
  for (const [i, first] of acquires.entries()) {
    const own = releases.get(encodeValue(ownerOf(first))) ?? []
    // When it can have been released at the earliest.
    const freedAt = Math.min(
      ...own
        .filter((release) => release.completedAt >= first.invokedAt)
        .map((release) => release.invokedAt),
    )
    for (let j = i + 1; j < acquires.length; j++) {
      const second = acquires[j] as Operation
      if (second.invokedAt >= freedAt) break
      if (second.invokedAt <= first.completedAt || second.completedAt >= freedAt) continue
      return {
        operations: [first, second],
        why: `${showValue(ownerOf(first))} had acquired it and cannot have released it by then`,
      }
    }
  }
  return null
}
