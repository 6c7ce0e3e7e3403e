/**
 * Is a register's history linearizable? A search in the manner of Wing and Gong, cut short by what the ledger gives:
 * values are unique, and whatever changes the register tells what it replaced. So a value is in the register for
 * one stretch only; who reads it reads it then, and who is known to have replaced it ends it. Only operations
 * without an answer leave a choice.
 */
import type { Recorded } from './history.js'

export type Verdict = 'ok' | 'violated' | 'unknown'

/** Choices tried for one register before the verdict is `unknown`. */
const TRIED_MAX = 20_000

interface Call {
  readonly place: number
  readonly recorded: Recorded
  /** Infinite without an answer. */
  readonly end: number
  /** What it makes of the register; null when it only observed it. */
  readonly writes: number | null
}

interface Register {
  /** Those with an answer, by the time of their invocation. */
  readonly answered: readonly Call[]
  /** By value: those with an answer that only observed it, and the one that replaced it. */
  readonly readersOf: ReadonlyMap<number, readonly Call[]>
  readonly replacerOf: ReadonlyMap<number, Call>
  /** Without an answer, but seen by somebody; most urgent first. */
  readonly unanswered: readonly Call[]
}

interface Search {
  readonly done: Uint8Array
  value: number
  /** Answered operations that are not done. */
  remaining: number
}

/** Operations of one register. */
export function checkRegister(operations: readonly Recorded[]): Verdict {
  const register = arrange(operations)
  if (register === null) return 'violated'
  const search: Search = {
    done: new Uint8Array(operations.length),
    value: 0,
    remaining: register.answered.length,
  }
  const tried = { count: 0, seen: new Set<string>() }
  const found = explore(register, search, tried)
  if (found) return 'ok'
  return tried.count > TRIED_MAX ? 'unknown' : 'violated'
}

/** Null when two operations both replaced one value, or saw one that nobody wrote. */
function arrange(operations: readonly Recorded[]): Register | null {
  const answered: Call[] = []
  const others: Call[] = []
  const readersOf = new Map<number, Call[]>()
  const replacerOf = new Map<number, Call>()
  const written = new Set<number>([0])
  for (let place = 0; place < operations.length; place++) {
    const recorded = operations[place] as Recorded
    const { operation, outcome } = recorded
    if (outcome === 'failed') continue
    if (outcome !== 'ok') {
      if (!('value' in operation)) continue
      written.add(operation.value)
      others.push({ place, recorded, end: Number.POSITIVE_INFINITY, writes: operation.value })
      continue
    }
    const missed = operation.type === 'Cas' && recorded.number !== operation.expected
    const writes = 'value' in operation && !missed ? operation.value : null
    const call: Call = { place, recorded, end: recorded.completedAt, writes }
    answered.push(call)
    if (writes === null) {
      const readers = readersOf.get(recorded.number)
      if (readers === undefined) readersOf.set(recorded.number, [call])
      else readers.push(call)
      continue
    }
    written.add(writes)
    if (replacerOf.has(recorded.number)) return null
    replacerOf.set(recorded.number, call)
  }
  for (const call of answered) if (!written.has(call.recorded.number)) return null
  answered.sort((a, b) => a.recorded.invokedAt - b.recorded.invokedAt)
  return {
    answered,
    readersOf,
    replacerOf,
    unanswered: thatMatter(others, { readersOf, replacerOf }),
  }
}

/**
 * Of what had no answer only that can matter which somebody saw, be it another without an answer that was seen
 * itself; the rest may come after everything else. Most urgent first: by the earliest end of what must follow.
 */
function thatMatter(
  others: readonly Call[],
  known: Pick<Register, 'readersOf' | 'replacerOf'>,
): Call[] {
  const urgencyOf = new Map<number, number>()
  const seekersOf = new Map<number, number[]>()
  for (const { recorded, writes } of others)
    if (recorded.operation.type === 'Cas' && writes !== null)
      push(seekersOf, recorded.operation.expected, writes)
  /** The values that may follow this one. */
  const nextOf = (value: number): number[] => {
    const replaced = known.replacerOf.get(value)?.writes ?? null
    const sought = seekersOf.get(value) ?? []
    return replaced === null ? sought : [replaced, ...sought]
  }
  // Values follow one another by the thousand: a stack of our own, not calls within calls.
  const stack: number[] = []
  const visit = (value: number) => {
    if (urgencyOf.has(value)) return
    urgencyOf.set(value, Number.POSITIVE_INFINITY)
    stack.push(value)
  }
  const urgency = ({ writes }: Call): number => {
    visit(writes ?? 0)
    const order: number[] = []
    for (let value = stack.pop(); value !== undefined; value = stack.pop()) {
      order.push(value)
      for (const next of nextOf(value)) visit(next)
    }
    // Last found first; again while a value learns from one that was looked at behind it.
    order.reverse()
    for (let changed = true; changed; ) {
      changed = false
      for (const value of order) {
        let earliest = known.replacerOf.get(value)?.end ?? Number.POSITIVE_INFINITY
        for (const { end } of known.readersOf.get(value) ?? []) earliest = Math.min(earliest, end)
        for (const next of nextOf(value))
          earliest = Math.min(earliest, urgencyOf.get(next) ?? Number.POSITIVE_INFINITY)
        if (earliest === urgencyOf.get(value)) continue
        urgencyOf.set(value, earliest)
        changed = true
      }
    }
    return urgencyOf.get(writes ?? 0) ?? Number.POSITIVE_INFINITY
  }
  return others
    .filter((call) => urgency(call) < Number.POSITIVE_INFINITY)
    .sort((a, b) => urgency(a) - urgency(b))
}

function push(lists: Map<number, number[]>, key: number, value: number): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}

function explore(
  register: Register,
  search: Search,
  tried: { count: number; readonly seen: Set<string> },
): boolean {
  if (!settle(register, search)) return false
  if (search.remaining === 0) return true
  const key = `${search.value}:${register.unanswered.filter((c) => search.done[c.place] === 1).map((c) => c.place)}`
  if (tried.seen.has(key)) return false
  tried.seen.add(key)
  const end = earliestEnd(register, search)
  for (const call of register.unanswered) {
    if (search.done[call.place] === 1 || call.recorded.invokedAt > end) continue
    const { operation } = call.recorded
    if (operation.type === 'Cas' && operation.expected !== search.value) continue
    if (++tried.count > TRIED_MAX) return false
    const next: Search = {
      done: search.done.slice(),
      value: call.writes ?? 0,
      remaining: search.remaining,
    }
    next.done[call.place] = 1
    if (explore(register, next, tried)) return true
  }
  return false
}

/** Does all that leaves no choice; false when that cannot be. */
function settle(register: Register, search: Search): boolean {
  for (;;) {
    let end = earliestEnd(register, search)
    // Whoever saw this value saw it now: reading changes nothing, so all go at once. The order among them is the
    // order of their ends, so that none of them forbids another.
    const readers = register.readersOf.get(search.value) ?? []
    for (const reader of [...readers].sort((a, b) => a.end - b.end)) {
      if (search.done[reader.place] === 1) continue
      if (reader.recorded.invokedAt > end) return false
      search.done[reader.place] = 1
      search.remaining--
      end = earliestEnd(register, search)
    }
    const replacer = register.replacerOf.get(search.value)
    if (replacer === undefined || search.done[replacer.place] === 1) return true
    if (replacer.recorded.invokedAt > end) return false
    search.done[replacer.place] = 1
    search.remaining--
    search.value = replacer.writes ?? 0
  }
}

/** Nothing may come next that was invoked after this. */
function earliestEnd(register: Register, search: Search): number {
  let earliest = Number.POSITIVE_INFINITY
  for (const call of register.answered) {
    if (call.recorded.invokedAt > earliest) break
    if (search.done[call.place] === 0) earliest = Math.min(earliest, call.end)
  }
  return earliest
}
