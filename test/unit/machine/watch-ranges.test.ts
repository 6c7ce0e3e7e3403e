/** The tree of ranges, against looking at every range. */
import { expect, it } from 'vitest'
import { nextInt, type RandomState, seededRandom } from '../../../src/base/random.js'
import {
  findRange,
  holding,
  type RangeTree,
  withoutRange,
  withRange,
} from '../../../src/machine/watch/ranges.js'
import { isInRange, type WatchRange } from '../../../src/machine/watch/watcher.js'

interface Item {
  readonly range: WatchRange
}

function textOf(random: RandomState): string {
  const length = nextInt(random, 0, 3)
  return Array.from({ length }, () => 'abc\xff'[nextInt(random, 0, 3)]).join('')
}

function rangeOf(random: RandomState): WatchRange {
  const key = textOf(random)
  const end = nextInt(random, 0, 5) === 0 ? null : textOf(random)
  return end !== null && end <= key ? { key, end: `${key}\0` } : { key, end }
}

function allOf(tree: RangeTree<Item>, keys: readonly string[]): Item[] {
  return [...holding(tree, keys)].filter((item) => item !== null)
}

function heightOf(tree: RangeTree<Item>): number {
  return tree === null ? 0 : 1 + Math.max(heightOf(tree.left), heightOf(tree.right))
}

const inOrder = (items: Iterable<Item>) =>
  [...items].map(({ range }) => JSON.stringify(range)).sort()

it.each(Array.from({ length: 20 }, (_, i) => i + 1))('holds what is in it, seed %i', (seed) => {
  const random = seededRandom(seed)
  const items = new Map<string, Item>()
  let tree: RangeTree<Item> = null
  for (let i = 0; i < 400; i++) {
    const range = rangeOf(random)
    const name = JSON.stringify(range)
    const known = items.get(name)
    expect(findRange(tree, range)).toBe(known ?? null)
    if (known !== undefined || nextInt(random, 0, 3) === 0) {
      tree = withoutRange(tree, range)
      items.delete(name)
    } else {
      const item = { range }
      tree = withRange(tree, item)
      items.set(name, item)
    }
    const keys = Array.from({ length: nextInt(random, 1, 6) }, () => textOf(random)).sort()
    const wanted = [...items.values()].filter((item) =>
      keys.some((key) => isInRange(item.range, key)),
    )
    // Each once, so no set of them.
    expect(inOrder(allOf(tree, keys))).toEqual(inOrder(wanted))
  }
})

it.each([1, -1])('stays low where ranges come and go in order, step %i', (step) => {
  let tree: RangeTree<Item> = null
  const rangeAt = (i: number) => ({ key: String(15_000 + i * step), end: null })
  for (let i = 0; i < 4_096; i++) tree = withRange(tree, { range: rangeAt(i) })
  expect(heightOf(tree)).toBeLessThanOrEqual(Math.ceil(1.44 * 13))
  for (let i = 0; i < 4_032; i++) tree = withoutRange(tree, rangeAt(i))
  expect(heightOf(tree)).toBeLessThanOrEqual(Math.ceil(1.44 * 7))
})

it('is walked as it was when the walk began', () => {
  let tree: RangeTree<Item> = null
  for (let i = 0; i < 100; i++) tree = withRange(tree, { range: { key: `a${i}`, end: null } })
  const before = allOf(tree, ['b'])
  const walk = holding(tree, ['b'])
  const met: (Item | null)[] = []
  for (let i = 0; i < 100; i++) {
    const step = walk.next()
    if (step.done !== true) met.push(step.value)
    tree = withoutRange(tree, { key: `a${i}`, end: null })
    tree = withRange(tree, { range: { key: `A${i}`, end: null } })
  }
  expect([...met, ...walk].filter((item) => item !== null)).toEqual(before)
})

it('looks at few of many ranges that hold none of the keys', () => {
  let tree: RangeTree<Item> = null
  const at = (i: number) => `k${String(i).padStart(6, '0')}`
  for (let i = 0; i < 10_000; i++)
    tree = withRange(tree, { range: { key: at(i), end: `${at(i)}5` } })
  expect([...holding(tree, [`${at(5_000)}7`])].length).toBeLessThan(40)
})
