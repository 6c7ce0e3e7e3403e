/**
 * One cell that is read, written, compared and swapped, and appended to: what registers, the keys of a key-value
 * store and locks come down to. Here: which of its operations matter at all.
 */
import type { Contradiction, Space } from '../model.js'
import { encodeValue, isList } from '../value.js'
import type { Action, CellOperation } from './cell-actions.js'
import { CellSpace } from './cell-space.js'
import { DARK, type Growth, pieceOf, Texts, textOf } from './cell-texts.js'
import { contradictionOfGrowth } from './growth-order.js'

export function arrangeCell(all: readonly CellOperation[], exact: boolean): Space {
  const growth = growthOf(all)
  const { kept, shown } = relevant(all, growth)
  if (exact)
    for (const { action } of kept)
      if (action.type === 'write' || action.type === 'swap') shown.add(textOf(action.value, growth))
  return new CellSpace(kept, new Texts(shown, growth), growth)
}

export function contradictionInCell(all: readonly CellOperation[]): Contradiction | null {
  return contradictionOfGrowth(all, growthOf(all))
}

/** Values grow where something is appended: to lists where a list is shown or no text is appended, else to texts. */
function growthOf(all: readonly CellOperation[]): Growth {
  const appended = all.filter(({ action }) => action.type === 'append')
  if (appended.length === 0) return 'none'
  const lists = all.some(({ action }) =>
    action.type === 'append'
      ? typeof action.value !== 'string'
      : 'value' in action && isList(action.value),
  )
  return lists ? 'list' : 'text'
}

/** Leaves out what nobody can have noticed: of those without an answer, what brings nothing that is shown. */
function relevant(all: readonly CellOperation[], growth: Growth) {
  const shown = new Set<string>()
  let differs = false
  let candidates: CellOperation[] = []
  for (const one of all) {
    const { action } = one
    if (one.optional) {
      if (action.type === 'write' || action.type === 'swap' || action.type === 'append')
        candidates.push(one)
      continue
    }
    if (action.type === 'read' || action.type === 'differs') shown.add(textOf(action.value, growth))
    if (action.type === 'swap') shown.add(textOf(action.expected, growth))
    differs ||= action.type === 'differs'
  }
  const kept = new Set(all.filter((one) => !one.optional && one.action.type !== 'nothing'))
  for (let before = -1; before !== kept.size; ) {
    before = kept.size
    const texts = new Texts(shown, growth)
    const left: CellOperation[] = []
    for (const one of candidates) {
      if (!differs && !mayShow(one.action, texts, growth)) {
        left.push(one)
        continue
      }
      kept.add(one)
      if (one.action.type === 'swap') shown.add(textOf(one.action.expected, growth))
    }
    candidates = left
  }
  const useful = growth === 'none' && !differs ? withoutTheGone(all, kept) : kept
  return { kept: all.filter((one) => useful.has(one)), shown }
}

/**
 * Without those that had to happen before some change that had to happen before all who could have used what they
 * bring.
 */
function withoutTheGone(
  all: readonly CellOperation[],
  kept: ReadonlySet<CellOperation>,
): ReadonlySet<CellOperation> {
  const bounded = all.filter((one) => one.optional && Number.isFinite(one.operation.completedAt))
  if (bounded.length === 0) return kept
  const useful = new Set(kept)
  for (const one of bounded) {
    if (!useful.has(one) || !('value' in one.action)) continue
    const value = encodeValue(one.action.value)
    const firstUse = Math.min(
      ...[...useful].filter((user) => uses(user, value)).map((user) => user.operation.invokedAt),
    )
    const gone = [...useful].some(
      ({ operation, action, optional }) =>
        !optional &&
        (action.type === 'write' || action.type === 'swap') &&
        encodeValue(action.value) !== value &&
        operation.invokedAt > one.operation.completedAt &&
        operation.completedAt < firstUse,
    )
    if (gone) useful.delete(one)
  }
  return useful
}

function uses({ action }: CellOperation, value: string): boolean {
  if (action.type === 'read') return encodeValue(action.value) === value
  return action.type === 'swap' && encodeValue(action.expected) === value
}

function mayShow(action: Action, texts: Texts, growth: Growth): boolean {
  if (action.type === 'append') {
    const piece = pieceOf(action.value, growth)
    return piece !== null && texts.showsPiece(piece)
  }
  return 'value' in action && texts.idOf(textOf(action.value, growth)) !== DARK
}
