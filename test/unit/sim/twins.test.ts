/** Twins: how scenarios are numbered, what is the same, and that a world with too many twins is seen to break. */
import { describe, expect, it } from 'vitest'
import {
  numbersOf,
  parseScenario,
  play,
  printScenario,
  type Scenario,
  scenarioOf,
} from '../../../src/sim/twins/index.js'

const PURE = { pairs: 1, mutated: false }

function scenario(text: string): Scenario {
  const parsed = parseScenario(text)
  if (typeof parsed === 'string') throw new Error(parsed)
  return parsed
}

describe('scenarios of Twins', () => {
  it('are told in words that lead back to them', () => {
    for (const space of [PURE, { pairs: 1, mutated: true }, { pairs: 2, mutated: true }])
      for (let number = 0; number < numbersOf(space); number += Math.ceil(numbersOf(space) / 50)) {
        const one = scenarioOf(number, space)
        if (one !== null) expect(parseScenario(printScenario(one))).toEqual(one)
      }
    expect(parseScenario('twins=n9 views=0,1,2,3 sides=0,0,0,0')).toContain('twins: expected')
    expect(parseScenario('twins=n1 views=0,1 sides=0,0,0,0')).toContain('views: expected')
    const wrong = 'twins=n1 views=0,1,2,3 sides=0,0,0,0 mutation=Vote.view+1@0'
    expect(parseScenario(wrong)).toContain('mutation: expected such as PrePrepare.view+1@0')
  })

  it('of two that differ in which twin is which, one is left', () => {
    // Each list of sides of five nodes, with n3 twinned and one schedule: 16^4, of which 8^4 have the twins together.
    let left = 0
    const schedule = 4 * 2 ** 3
    for (let sides = 0; sides < 16 ** 4; sides++)
      if (scenarioOf(2 + schedule * sides, PURE) !== null) left++
    expect(left).toBe((16 ** 4 + 8 ** 4) / 2)
  })

  it('keep every promise with one pair of twins, also with messages that are a little wrong', () => {
    for (let number = 0; number < 40; number++) {
      const space = { pairs: 1, mutated: number % 2 === 1 }
      const one = scenarioOf((number * 1_000_003_739) % numbersOf(space), space)
      if (one !== null) expect(play(one).violation, printScenario(one)).toBeNull()
    }
  })

  it('executes on both sides of nothing, and tells what happens', () => {
    const together = play(scenario('twins=n4 views=0,1,2,3 sides=0,0,0,0'), { trace: true })
    expect(together.executed).toBeGreaterThanOrEqual(4)
    expect(together.trace).toContain("round 0, view 0: n1 n2 n3 n4 n4' | ")
    expect(together.trace).toContain('n1 -> n2 PrePrepare 0/1')
  })

  it('mutates what is in flight, in the round that is named', () => {
    const { mutations, violation } = play(
      scenario('twins=n1 views=0,1,2,3 sides=0,0,0,0 mutation=PrePrepare.index+1@0'),
    )
    expect(violation).toBeNull()
    expect(mutations).toBeGreaterThan(0)
  })

  it('with two pairs of twins two halves commit different batches, and that is seen', () => {
    const { violation } = play(scenario('twins=n1,n2 views=0,1,3,5 sides=12,34,26,26'))
    expect(violation?.invariant).toBe('committed-batch')
  })
})
