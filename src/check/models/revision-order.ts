/**
 * What revisions contradict without any search: they only grow, each has one maker, and what a read shows was the
 * newest of its key. Finding nothing here proves nothing: the search decides.
 */
import type { Operation } from '../history.js'
import type { Contradiction } from '../model.js'
import { encodeValue, isList, isRecord, showValue } from '../value.js'
import { keyText } from './versioned-requests.js'

export function contradictionOfRevisions(operations: readonly Operation[]): Contradiction | null {
  const answered = operations.filter((operation) => revisionOf(operation) !== null)
  return goesBack(answered) ?? disagrees(answered)
}

/** Whether its answer says that it made the revision. */
export function madeRevision({ f, input, output, answer, outcome }: Operation): boolean {
  if (outcome !== 'ok' || typeof answer.revision !== 'number') return false
  if (f === 'put' || f === 'write') return true
  if (f === 'txn') {
    if (!isRecord(input) || !isRecord(output) || typeof output.succeeded !== 'boolean') return false
    const done = input[output.succeeded ? 'success' : 'failure']
    return isList(done) && done.some((request) => isList(request) && request[0] === 'put')
  }
  return f === 'delete' && typeof answer.deleted === 'number' && answer.deleted > 0
}

/** By time: whoever was asked after an answer had come sees at least its revision, or makes a later one. */
function goesBack(answered: readonly Operation[]): Contradiction | null {
  const byEnd = [...answered].sort((a, b) => a.completedAt - b.completedAt)
  const byCall = [...answered].sort((a, b) => a.invokedAt - b.invokedAt)
  let next = 0
  let highest: Operation | null = null
  for (const operation of byCall) {
    for (; next < byEnd.length; next++) {
      const before = byEnd[next] as Operation
      if (before.completedAt >= operation.invokedAt) break
      if (highest === null || Number(revisionOf(before)) > Number(revisionOf(highest)))
        highest = before
    }
    if (highest === null) continue
    const seen = Number(revisionOf(highest))
    const now = Number(revisionOf(operation))
    const least = madeRevision(operation) ? seen + 1 : seen
    if (now < least)
      return {
        operations: [highest, operation],
        why: `it answered revision ${now}, but revision ${seen} had been answered before it was asked`,
      }
  }
  return null
}

/** By revision: two makers of one, or a read that shows another value than the newest of its key. */
function disagrees(answered: readonly Operation[]): Contradiction | null {
  const makers = new Map<number, Operation>()
  const makersOfKey = new Map<string, Operation[]>()
  for (const operation of answered) {
    if (!madeRevision(operation)) continue
    const revision = Number(revisionOf(operation))
    const other = makers.get(revision)
    if (other !== undefined)
      return { operations: [other, operation], why: `revision ${revision} was made by another` }
    makers.set(revision, operation)
    // What a transaction brought to which key is left to the search.
    if (operation.f === 'txn') continue
    const key = keyText(operation.key)
    makersOfKey.set(key, [...(makersOfKey.get(key) ?? []), operation])
  }
  for (const list of makersOfKey.values())
    list.sort((a, b) => Number(revisionOf(a)) - Number(revisionOf(b)))
  for (const read of answered) {
    if (read.f !== 'get' && read.f !== 'read') continue
    const at = typeof read.asked.at === 'number' && read.asked.at > 0 ? read.asked.at : null
    const newest = lastUpTo(
      makersOfKey.get(keyText(read.key)) ?? [],
      at ?? Number(revisionOf(read)),
    )
    const why = newest === null ? null : differs(read, newest)
    if (newest !== null && why !== null) return { operations: [newest, read], why }
  }
  return null
}

/** Null where some other change that is not known to us may lie between them. */
function differs(read: Operation, newest: Operation): string | null {
  const revision = Number(revisionOf(newest))
  const { mod } = read.answer
  if (typeof mod !== 'number' || mod > revision) return null
  const brought = newest.f === 'delete' ? 'nil' : showValue(newest.input)
  if (mod < revision)
    return `it shows what revision ${mod} brought, but revision ${revision} brought ${brought}`
  if (encodeValue(read.output) === encodeValue(newest.input) && newest.f !== 'delete') return null
  return `it read ${showValue(read.output)}, but revision ${revision} brought ${brought}`
}

function lastUpTo(makers: readonly Operation[], revision: number): Operation | null {
  let low = 0
  let high = makers.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (Number(revisionOf(makers[middle] as Operation)) <= revision) low = middle + 1
    else high = middle
  }
  return makers[low - 1] ?? null
}

function revisionOf({ outcome, answer }: Operation): number | null {
  return outcome === 'ok' && typeof answer.revision === 'number' ? answer.revision : null
}
