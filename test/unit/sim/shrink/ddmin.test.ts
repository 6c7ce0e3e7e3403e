import { describe, expect, it } from 'vitest'
import { ddmin } from '../../../../src/sim/shrink/ddmin.js'

const numbers = Array.from({ length: 100 }, (_, i) => i)

describe('ddmin', () => {
  it('finds the two of a hundred that fail together', () => {
    let runs = 0
    const found = ddmin(numbers, (some) => {
      runs++
      return some.includes(17) && some.includes(83)
    })
    expect(found).toEqual([17, 83])
    expect(runs).toBeLessThan(80)
  })

  it('leaves nothing where nothing is needed, and all where all is', () => {
    expect(ddmin(numbers, () => true)).toEqual([])
    const few = numbers.slice(0, 7)
    expect(ddmin(few, (some) => some.length === 7)).toEqual(few)
  })

  it('leaves a list from which no single one can be left out', () => {
    const fails = (some: readonly number[]) => some.filter((n) => n % 9 === 0).length >= 4
    const found = ddmin(numbers, fails)
    expect(fails(found)).toBe(true)
    for (const one of found) expect(fails(found.filter((other) => other !== one))).toBe(false)
  })
})
