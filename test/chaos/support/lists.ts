/**
 * Lists, judged one by one in a single pass, without search: what was acknowledged is never lost, nothing is there
 * twice, all reads agree on one order, and time does not run backwards. A second opinion beside the checker's, by
 * other means.
 */
import type { HistoryLine } from './history.js'

interface Read {
  readonly invoked: number
  readonly returned: number
  readonly elements: readonly number[]
}

interface List {
  /** When each element was asked for, and when it was acknowledged or certainly refused. */
  readonly invoked: Map<number, number>
  readonly acknowledged: Map<number, number>
  readonly refused: Set<number>
  readonly reads: Read[]
}

/** `12;7;` to [12, 7]. */
export function elementsOf(text: unknown): number[] {
  return String(text)
    .split(';')
    .filter((part) => part !== '')
    .map(Number)
}

/** What is wrong, one line each. */
export function judgeLists(lines: readonly HistoryLine[]): string[] {
  const problems: string[] = []
  for (const [key, list] of gather(lines))
    for (const problem of judge(list)) problems.push(`list ${key}: ${problem}`)
  return problems
}

function gather(lines: readonly HistoryLine[]): Map<string, List> {
  const lists = new Map<string, List>()
  const asked = new Map<number, number>()
  for (const { process, type, f, key, value, time } of lines) {
    if (type === 'invoke') asked.set(process, time)
    if (f !== 'append' && f !== 'get') continue
    let list = lists.get(key)
    if (list === undefined) {
      list = { invoked: new Map(), acknowledged: new Map(), refused: new Set(), reads: [] }
      lists.set(key, list)
    }
    const elements = value === null ? [] : elementsOf(value)
    const [element = Number.NaN] = elements
    if (f === 'append' && type === 'invoke') list.invoked.set(element, time)
    if (f === 'append' && type === 'ok') list.acknowledged.set(element, time)
    if (f === 'append' && type === 'fail') list.refused.add(element)
    if (f === 'get' && type === 'ok')
      list.reads.push({ invoked: asked.get(process) ?? 0, returned: time, elements })
  }
  return lists
}

function* judge(list: List): Generator<string> {
  const longest = list.reads.reduce<readonly number[]>(
    (best, { elements }) => (elements.length > best.length ? elements : best),
    [],
  )
  if (new Set(longest).size !== longest.length) yield `an element is there twice: ${longest.join()}`
  for (const { elements } of list.reads)
    if (elements.some((element, i) => element !== longest[i]))
      yield `two reads disagree on the order: ${elements.join()} and ${longest.join()}`
  for (const element of longest) {
    if (!list.invoked.has(element)) yield `${element} was never appended`
    if (list.refused.has(element)) yield `${element} is there, although its append was refused`
  }
  const place = new Map(longest.map((element, i) => [element, i]))
  for (const [element, time] of list.acknowledged) {
    const at = place.get(element) ?? Number.POSITIVE_INFINITY
    const missed = list.reads.find((read) => read.invoked > time && read.elements.length <= at)
    if (missed !== undefined)
      yield `${element}, acknowledged, is missing from a read that was asked later: ${missed.elements.join()}`
  }
  for (const [element, i] of place) {
    const early = list.reads.find(
      (read) =>
        read.elements.length > i && read.returned < (list.invoked.get(element) ?? Number.NaN),
    )
    if (early !== undefined) yield `${element} was read before it was appended`
  }
  for (const read of list.reads) {
    const before = list.reads
      .filter((other) => other.returned < read.invoked)
      .reduce((most, other) => Math.max(most, other.elements.length), 0)
    if (before > read.elements.length)
      yield `a read of ${read.elements.length} elements came after one of ${before}`
  }
}
