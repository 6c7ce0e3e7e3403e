/** How far a search goes: what a path may use up, and what may be on its way at once. */
import { present } from '../../base/assert.js'
import { BUDGETS, type Budget, type Budgets } from './adapter.js'

export interface Bounds extends Budgets {
  /** Elections after the term in which the cluster was formed. */
  readonly terms: number
  /** Messages in flight; a step that would send more is not taken. */
  readonly flights: number
}

/** Four bits each, in one number. */
const BITS = 4
export const BUDGET_MAX = 2 ** BITS - 1

/** As much of everything as can be counted. */
export const FULL: Budgets = {
  crashes: BUDGET_MAX,
  drops: BUDGET_MAX,
  duplicates: BUDGET_MAX,
  entries: BUDGET_MAX,
  timeouts: BUDGET_MAX,
  resends: BUDGET_MAX,
  stepDowns: BUDGET_MAX,
}

export function packBudgets(budgets: Budgets): number {
  let packed = 0
  for (const [i, name] of BUDGETS.entries()) {
    const left = budgets[name]
    if (!Number.isInteger(left) || left < 0 || left > BUDGET_MAX)
      throw new RangeError(`${name}: expected 0 to ${BUDGET_MAX}, got ${left}`)
    packed |= left << (BITS * i)
  }
  return packed
}

export function budgetLeft(packed: number, budget: Budget): number {
  return (packed >>> shiftOf(budget)) & BUDGET_MAX
}

/** There is some left: the caller has looked. */
export function spend(packed: number, budget: Budget): number {
  return packed - (1 << shiftOf(budget))
}

const SHIFTS: ReadonlyMap<Budget, number> = new Map(BUDGETS.map((name, i) => [name, BITS * i]))

function shiftOf(budget: Budget): number {
  return present(SHIFTS.get(budget))
}
