/**
 * What appends contradict without any search, where a value only grows: who was asked after an append had been
 * answered sees it, and of two readers one sees what the other saw, and maybe more.
 */
import type { Contradiction } from '../model.js'
import { showValue } from '../value.js'
import type { CellOperation } from './cell-actions.js'
import { type Growth, NIL_TEXT, pieceOf, textOf } from './cell-texts.js'
import { findHomes } from './homes.js'

export function contradictionOfGrowth(
  all: readonly CellOperation[],
  growth: Growth,
): Contradiction | null {
  if (growth === 'none') return null
  const cannotBe = unmade(all, growth)
  if (cannotBe !== null) return cannotBe
  if (all.some(({ action }) => action.type === 'write' || action.type === 'swap')) return null
  const reads = all.flatMap(({ operation, action, optional }) =>
    action.type === 'read' && !optional ? [{ operation, text: textOf(action.value, growth) }] : [],
  )
  return branches(reads) ?? misses(all, reads, growth)
}

/** What nobody's pieces make up, or what shows one append in two places. */
function unmade(all: readonly CellOperation[], growth: Growth): Contradiction | null {
  const readers = new Map<string, CellOperation['operation']>()
  const appends = new Map<string, number[]>()
  const written = new Set<string>()
  for (const [i, { operation, action, optional }] of all.entries()) {
    if (action.type === 'append') {
      const piece = pieceOf(action.value, growth)
      if (piece !== null) appends.set(piece, [...(appends.get(piece) ?? []), i])
    }
    if (action.type === 'write' || action.type === 'swap')
      written.add(textOf(action.value, growth).slice(1))
    if (action.type !== 'read' || optional) continue
    const text = textOf(action.value, growth)
    if (text.startsWith(growth === 'list' ? '[' : '"')) readers.set(text.slice(1), operation)
  }
  const sorted = [...readers.keys()].sort()
  const longest = sorted.filter((text, i) => sorted[i + 1]?.startsWith(text) !== true)
  const { impossible, torn } = findHomes(longest, { appends, written })
  if (impossible !== null) {
    const reader = readers.get(impossible)
    const why = 'nothing that was written and appended, in whatever order, makes up what it read'
    return reader === undefined ? null : { operations: [reader], why }
  }
  const append = torn === null ? undefined : all[torn.op]?.operation
  if (torn === null || append === undefined) return null
  const shown = [...new Set(torn.texts)].flatMap((text) => readers.get(text) ?? [])
  const where = shown.length === 1 ? 'twice' : 'in another place than the other read'
  return {
    operations: [append, ...shown],
    why: `it shows ${showValue(append.input)} ${where}, which was appended once`,
  }
}

type Read = { readonly operation: CellOperation['operation']; readonly text: string }

function branches(reads: readonly Read[]): Contradiction | null {
  const byLength = reads
    .filter(({ text }) => text !== NIL_TEXT)
    .sort((a, b) => a.text.length - b.text.length)
  for (let i = 1; i < byLength.length; i++) {
    const shorter = byLength[i - 1] as Read
    const longer = byLength[i] as Read
    if (longer.text.startsWith(shorter.text)) continue
    return {
      operations: [shorter.operation, longer.operation],
      why: `it does not begin with ${showValue(shorter.operation.output)}, which another read`,
    }
  }
  return null
}

/** What a reader lacks, all lack who saw less. So of those asked after an append the one who saw least counts. */
function misses(
  all: readonly CellOperation[],
  reads: readonly Read[],
  growth: Growth,
): Contradiction | null {
  const byCall = [...reads].sort((a, b) => a.operation.invokedAt - b.operation.invokedAt)
  const least = [...byCall]
  for (let i = least.length - 2; i >= 0; i--) {
    const after = least[i + 1] as Read
    if (lengthOf(after) < lengthOf(least[i] as Read)) least[i] = after
  }
  for (const { operation: append, action, optional } of all) {
    if (action.type !== 'append' || optional) continue
    const piece = pieceOf(action.value, growth)
    const first = firstAfter(byCall, append.completedAt)
    const read = least[first]
    if (piece !== null && read !== undefined && !read.text.includes(piece))
      return {
        operations: [append, read.operation],
        why: `it lacks ${showValue(append.input)}, whose append had been answered before it was asked`,
      }
  }
  return null
}

function lengthOf({ text }: Read): number {
  return text === NIL_TEXT ? 0 : text.length
}

function firstAfter(byCall: readonly Read[], at: number): number {
  let low = 0
  let high = byCall.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((byCall[middle] as Read).operation.invokedAt > at) high = middle
    else low = middle + 1
  }
  return low
}
