import { expect, it } from 'vitest'
import { keepNewest } from '../../../src/base/oldest.js'

it.each([
  [1, 1],
  [128, 128],
  [1_024, 896],
  [4_096, 3_584],
])('of %i, one more leaves the newest; never more are kept', (max, kept) => {
  const set = new Set<number>()
  let least = max
  for (let i = 0; i < 3 * max + 1; i++) {
    set.add(i)
    keepNewest(set, max)
    expect(set.size).toBeLessThanOrEqual(max)
    if (i >= max) least = Math.min(least, set.size)
    if (i === max)
      expect([...set]).toEqual(Array.from({ length: set.size }, (_, k) => max + 1 - set.size + k))
  }
  expect(least).toBe(kept)
})

it('a Map likewise, and nothing is dropped below the bound', () => {
  const map = new Map([
    ['a', 1],
    ['b', 2],
  ])
  keepNewest(map, 2)
  expect(map.size).toBe(2)
  map.set('c', 3)
  keepNewest(map, 2)
  expect([...map.keys()]).toEqual(['b', 'c'])
})
