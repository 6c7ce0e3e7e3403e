/** Partitions are what their names say. */
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/random.js'
import { type Blocks, SHAPES, type ShapeName } from '../../chaos/support/shapes.js'

const FIVE = ['n1', 'n2', 'n3', 'n4', 'n5']
const seeds = Array.from({ length: 20 }, (_, seed) => seed)

const make = (shape: ShapeName, names = FIVE, seed = 1): Blocks =>
  SHAPES[shape](names, 'n2', seededRandom(seed))

/** Whether what `from` says reaches `to`. */
const hears = (blocks: Blocks, from: string, to: string) => !blocks.get(from)?.includes(to)

const links = (blocks: Blocks, names = FIVE) =>
  names.flatMap((from) => names.filter((to) => to !== from && hears(blocks, from, to)))

test.each(Object.keys(SHAPES) as ShapeName[])(
  '%s cuts some links and never a node itself',
  (shape) => {
    for (const names of [FIVE, FIVE.slice(0, 3)])
      for (const seed of seeds) {
        const blocks = make(shape, names, seed)
        for (const [from, to] of blocks) {
          expect(names).toContain(from)
          expect(to).not.toContain(from)
          for (const name of to) expect(names).toContain(name)
        }
        expect(links(blocks, names).length).toBeLessThan(names.length * (names.length - 1))
      }
  },
)

describe('the victim', () => {
  test('of isolate is cut off both ways, and nobody else is', () => {
    const blocks = make('isolate')
    for (const name of ['n1', 'n3', 'n4', 'n5']) {
      expect(hears(blocks, 'n2', name)).toBe(false)
      expect(hears(blocks, name, 'n2')).toBe(false)
    }
    expect(links(blocks)).toHaveLength(12)
  })

  test('of mute hears all, of deaf is heard by all', () => {
    expect(links(make('mute'))).toHaveLength(16)
    expect(links(make('deaf'))).toHaveLength(16)
    expect(hears(make('mute'), 'n1', 'n2')).toBe(true)
    expect(hears(make('mute'), 'n2', 'n1')).toBe(false)
    expect(hears(make('deaf'), 'n1', 'n2')).toBe(false)
    expect(hears(make('deaf'), 'n2', 'n1')).toBe(true)
  })

  test('of bridge is the only one that both sides see', () => {
    for (const seed of seeds) {
      const blocks = make('bridge', FIVE, seed)
      expect(links(blocks).length).toBe(12)
      for (const name of ['n1', 'n3', 'n4', 'n5']) {
        expect(hears(blocks, 'n2', name)).toBe(true)
        expect(hears(blocks, name, 'n2')).toBe(true)
      }
    }
  })
})

test('a ring leaves each node two neighbours, and of three one to talk to', () => {
  expect(links(make('ring'))).toHaveLength(10)
  expect(links(make('ring', FIVE.slice(0, 3)), FIVE.slice(0, 3))).toHaveLength(3)
})

test('a split is two groups that see nothing of each other', () => {
  for (const seed of seeds) {
    const blocks = make('split', FIVE, seed)
    const group = FIVE.filter((name) => name === 'n1' || hears(blocks, 'n1', name))
    for (const from of FIVE)
      for (const to of FIVE)
        if (from !== to)
          expect(hears(blocks, from, to)).toBe(group.includes(from) === group.includes(to))
  }
})

test('shattered, nobody hears anybody', () => {
  expect(links(make('shatter'))).toEqual([])
})
