/**
 * Histories of append-only lists, checked whole in one pass: an item knows its place, so the order of all appends
 * is known and only has to agree with real time, with the reads and with the final state.
 */
import type { Recorded } from './history.js'

/**
 * What is wrong, in words; null when all is well. `final`: the list as the replicas hold it in the end, or, if it may
 * end early, as far as it is known.
 */
export function checkList(
  operations: readonly Recorded[],
  final: readonly number[],
  extent: 'whole' | 'may-end-early' = 'whole',
): string | null {
  const placeOf = new Map<number, number>()
  for (let i = 0; i < final.length; i++) {
    const value = final[i] as number
    if (placeOf.has(value)) return `item ${value} was appended twice`
    placeOf.set(value, i + 1)
  }
  const appendOf = new Map<number, Recorded>()
  for (const recorded of operations) {
    const { operation, outcome } = recorded
    if (operation.type === 'Append') {
      appendOf.set(operation.value, recorded)
      const place = placeOf.get(operation.value)
      if (outcome === 'failed' && place !== undefined)
        return `item ${operation.value} was said to have failed and is in the list`
      if (outcome !== 'ok') continue
      if (extent === 'may-end-early' && recorded.number > final.length) continue
      if (place === undefined) return `item ${operation.value} was acknowledged and is lost`
      if (place !== recorded.number)
        return `item ${operation.value} was told place ${recorded.number} and has ${place}`
    } else if (operation.type === 'List' && outcome === 'ok') {
      for (let i = 0; i < recorded.list.length; i++)
        if (recorded.list[i] !== final[i]) return `a read saw ${recorded.list[i]} at ${i + 1}`
    }
  }
  for (const value of final)
    if (!appendOf.has(value)) return `item ${value} is in the list and nobody appended it`
  return checkRealTime(operations, final, appendOf)
}

/** Where what was acknowledged may be gone with its last copy: what was read must still be one list. */
export function checkReads(operations: readonly Recorded[]): string | null {
  let longest: readonly number[] = []
  for (const { outcome, list } of operations)
    if (outcome === 'ok' && list.length > longest.length) longest = list
  return checkList(operations, longest, 'may-end-early')
}

/**
 * Every operation has a point on the line of list lengths: an append its place, a read its length. Whoever was
 * invoked after another had completed must not lie before it.
 */
function checkRealTime(
  operations: readonly Recorded[],
  final: readonly number[],
  appendOf: ReadonlyMap<number, Recorded>,
): string | null {
  interface Mark {
    readonly at: number
    readonly starts: boolean
    readonly length: number
    readonly append: boolean
  }
  const marks: Mark[] = []
  for (const recorded of operations) {
    const append = recorded.operation.type === 'Append'
    if (recorded.outcome !== 'ok') continue
    const length = append ? recorded.number : recorded.list.length
    marks.push({ at: recorded.invokedAt, starts: true, length, append })
    marks.push({ at: recorded.completedAt, starts: false, length, append })
  }
  // An append of unknown outcome that did happen began somewhere too: nothing may have seen it before.
  for (let i = 0; i < final.length; i++) {
    const recorded = appendOf.get(final[i] as number)
    if (recorded !== undefined && recorded.outcome !== 'ok')
      marks.push({ at: recorded.invokedAt, starts: true, length: i + 1, append: true })
  }
  marks.sort((a, b) => a.at - b.at)
  let reached = 0
  for (const mark of marks) {
    if (!mark.starts) reached = Math.max(reached, mark.length)
    else if (mark.append ? mark.length <= reached : mark.length < reached)
      return `an operation at length ${mark.length} began after length ${reached} was seen`
  }
  return null
}
