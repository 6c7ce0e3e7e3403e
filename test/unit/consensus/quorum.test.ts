import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Configuration } from '../../../src/consensus/contract.js'
import {
  committedIndex,
  isVoter,
  majority,
  majorityIndex,
  replicaIds,
  voteResult,
} from '../../../src/consensus/quorum.js'

function configuration(part: Partial<Configuration>): Configuration {
  return {
    members: [],
    voters: [],
    votersOutgoing: [],
    learners: [],
    learnersNext: [],
    autoLeave: false,
    ...part,
  }
}

/** `abc` are three voters. */
function ids(text: string): string[] {
  return [...text]
}

describe('majority', () => {
  for (const [n, needed] of [
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 3],
    [5, 3],
    [6, 4],
    [7, 4],
  ] as const)
    it(`of ${n} is ${needed}`, () => {
      expect(majority(Array.from({ length: n }, (_, i) => `n${i}`))).toBe(needed)
    })
})

describe('committedIndex', () => {
  for (const [voters, outgoing, match, index] of [
    ['a', '', { a: 5 }, 5],
    ['ab', '', { a: 5, b: 3 }, 3],
    ['abc', '', { a: 5, b: 3 }, 3],
    ['abc', '', { a: 5 }, 0],
    ['abc', '', { a: 9, b: 9, c: 1 }, 9],
    ['abcd', '', { a: 9, b: 8, c: 7, d: 6 }, 7],
    ['abcde', '', { a: 9, b: 8, c: 7, d: 6, e: 5 }, 7],
    // Joint: both majorities must have it (§6).
    ['abc', 'cde', { a: 9, b: 9, c: 1, d: 1, e: 1 }, 1],
    ['abc', 'cde', { a: 1, b: 1, c: 9, d: 9, e: 1 }, 1],
    ['abc', 'cde', { a: 9, b: 1, c: 8, d: 7, e: 1 }, 7],
    ['abc', 'abc', { a: 9, b: 4, c: 1 }, 4],
    ['a', 'bcd', { a: 9, b: 3, c: 2 }, 2],
    // No voters decide nothing.
    ['', '', { a: 9 }, 0],
    ['', 'abc', { a: 9, b: 9, c: 9 }, 0],
  ] as const)
    it(`voters ${voters || 'none'}, outgoing ${outgoing || 'none'}, ${JSON.stringify(match)}: ${index}`, () => {
      const c = configuration({ voters: ids(voters), votersOutgoing: ids(outgoing) })
      expect(committedIndex(c, (id) => (match as Record<string, number>)[id] ?? 0)).toBe(index)
    })

  it('is the largest index that both majorities have, for any configuration', () => {
    const voters = fc.uniqueArray(fc.constantFrom(...'abcdefg'), { minLength: 1 })
    const outgoing = fc.uniqueArray(fc.constantFrom(...'abcdefg'))
    fc.assert(
      fc.property(
        voters,
        outgoing,
        fc.array(fc.nat(12), { minLength: 7, maxLength: 7 }),
        (vs, os, m) => {
          const matchOf = (id: string) => m['abcdefg'.indexOf(id)] ?? 0
          const has = (side: string[], index: number) =>
            side.length === 0 || side.filter((id) => matchOf(id) >= index).length * 2 > side.length
          let largest = 0
          for (let index = 1; index <= 12; index++)
            if (has(vs, index) && has(os, index)) largest = index
          const c = configuration({ voters: vs, votersOutgoing: os })
          expect(committedIndex(c, matchOf)).toBe(largest)
        },
      ),
    )
  })

  it('without voters nothing limits a side', () => {
    expect(majorityIndex([], () => 0)).toBe(Number.MAX_SAFE_INTEGER)
  })
})

describe('voteResult', () => {
  for (const [voters, outgoing, yes, no, result] of [
    ['a', '', '', '', 'pending'],
    ['a', '', 'a', '', 'won'],
    ['a', '', '', 'a', 'lost'],
    ['ab', '', 'a', '', 'pending'],
    ['ab', '', 'a', 'b', 'lost'],
    ['abc', '', 'ab', '', 'won'],
    ['abc', '', 'a', 'b', 'pending'],
    ['abc', '', 'a', 'bc', 'lost'],
    ['abcd', '', 'ab', 'cd', 'lost'],
    ['abcd', '', 'abc', 'd', 'won'],
    ['abc', '', 'xyz', '', 'pending'],
    ['abc', 'cde', 'ab', '', 'pending'],
    ['abc', 'cde', 'abde', '', 'won'],
    ['abc', 'cde', 'ac', 'de', 'lost'],
    ['abc', 'cde', 'ce', 'ab', 'lost'],
    ['abc', 'cde', 'ab', 'd', 'pending'],
    ['', '', 'a', '', 'lost'],
  ] as const)
    it(`voters ${voters || 'none'}, outgoing ${outgoing || 'none'}, for ${yes}, against ${no}: ${result}`, () => {
      const c = configuration({ voters: ids(voters), votersOutgoing: ids(outgoing) })
      const voteOf = (id: string) => (yes.includes(id) ? true : no.includes(id) ? false : undefined)
      expect(voteResult(c, voteOf)).toBe(result)
    })

  it('two sides never both win: any two majorities of a configuration share a voter', () => {
    const side = fc.uniqueArray(fc.constantFrom(...'abcdefg'), { minLength: 1 })
    fc.assert(
      fc.property(
        side,
        fc.uniqueArray(fc.constantFrom(...'abcdefg')),
        fc.nat(127),
        (vs, os, mask) => {
          const c = configuration({ voters: vs, votersOutgoing: os })
          const inSet = (id: string) => ((mask >> 'abcdefg'.indexOf(id)) & 1) === 1
          const one = voteResult(c, (id) => inSet(id))
          const other = voteResult(c, (id) => !inSet(id))
          expect(one === 'won' && other === 'won').toBe(false)
        },
      ),
    )
  })
})

describe('who takes part', () => {
  const c = configuration({
    voters: ids('cb'),
    votersOutgoing: ids('ab'),
    learners: ['l'],
    learnersNext: ['a'],
  })

  it('voters are those of both sides', () => {
    expect('abcl'.split('').map((id) => isVoter(c, id))).toEqual([true, true, true, false])
  })

  it('replicas are all of them, each once, in order', () => {
    expect(replicaIds(c)).toEqual(['a', 'b', 'c', 'l'])
  })
})
