/** The parts that the search is made of, against simple ones. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { budgetLeft, FULL, packBudgets, spend } from '../../../src/sim/explore/bounds.js'
import { clonePlain, encodePlain, renamePlain } from '../../../src/sim/explore/plain.js'
import { Visited } from '../../../src/sim/explore/visited.js'

const SHARED = new Set<object>()

describe('plain data', () => {
  const state = () => ({
    id: 'n1',
    log: [{ index: 1, command: Uint8Array.of(1, 2) }],
    votes: new Map([
      ['n2', true],
      ['n1', false],
    ]),
    none: null,
  })

  it('is copied whole: what happens to the copy does not happen to it', () => {
    const before = state()
    const copy = clonePlain(before, SHARED)
    expect(copy).toEqual(before)
    copy.votes.set('n3', true)
    copy.log[0]!.index = 9
    expect(before).toEqual(state())
  })

  it('has one text, in whatever order it was put together, and any other field is another text', () => {
    const { id, log, votes, none } = state()
    const other = { none, votes: new Map([...votes].reverse()), log, id }
    const text = encodePlain(state(), SHARED)
    expect(encodePlain(other, SHARED)).toBe(text)
    expect(encodePlain({ ...other, holes: [] }, SHARED)).not.toBe(text)
    expect(encodePlain({ ...other, none: undefined }, SHARED)).not.toBe(text)
  })

  it('takes names, keys of maps too, for other names, and leaves what is shared', () => {
    const members = { voters: ['n1', 'n2'] }
    const names = new Map([
      ['n1', 'n2'],
      ['n2', 'n1'],
    ])
    const renamed = renamePlain({ ...state(), members }, new Set([members]), names)
    expect(renamed.id).toBe('n2')
    expect([...renamed.votes]).toEqual([
      ['n1', true],
      ['n2', false],
    ])
    expect(renamed.members).toBe(members)
  })

  it('refuses what has a life of its own', () => {
    expect(() => encodePlain({ at: new (class Clock {})() }, SHARED)).toThrow('not plain data')
    expect(() => clonePlain({ at: new WeakMap() }, SHARED)).toThrow('not plain data')
  })
})

describe('the table of what was reached', () => {
  it('knows exactly the rows that it was given, and where each came from', () => {
    const row = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 4, maxLength: 4 })
    fc.assert(
      fc.property(fc.array(row, { maxLength: 400 }), (rows) => {
        const visited = new Visited(4)
        const known = new Map<string, number>()
        for (const [i, numbers] of rows.entries()) {
          const text = numbers.join()
          expect(visited.add(Int32Array.from(numbers), i - 1)).toBe(!known.has(text))
          if (!known.has(text)) known.set(text, i - 1)
        }
        expect(visited.size).toBe(known.size)
        const into = new Int32Array(4)
        for (const [i, [text, parent]] of [...known].entries()) {
          visited.read(i, into)
          expect(into.join()).toBe(text)
          expect(visited.parentOf(i)).toBe(parent)
        }
      }),
    )
  })

  it('grows past its first table and its first chunk, and forgets nothing', () => {
    const visited = new Visited(2)
    for (let i = 0; i < 40_000; i++) expect(visited.add(Int32Array.of(i, i % 7), i - 1)).toBe(true)
    for (let i = 0; i < 40_000; i += 97) expect(visited.add(Int32Array.of(i, i % 7), 0)).toBe(false)
    expect(visited.size).toBe(40_000)
  })
})

describe('budgets', () => {
  it('are spent one by one, each for itself', () => {
    let packed = packBudgets({ ...FULL, crashes: 1, stepDowns: 2 })
    packed = spend(spend(packed, 'crashes'), 'stepDowns')
    expect(budgetLeft(packed, 'crashes')).toBe(0)
    expect(budgetLeft(packed, 'stepDowns')).toBe(1)
    expect(budgetLeft(packed, 'drops')).toBe(FULL.drops)
    expect(() => packBudgets({ ...FULL, drops: 16 })).toThrow('drops')
  })
})
