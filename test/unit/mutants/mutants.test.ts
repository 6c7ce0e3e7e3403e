import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { ATTACKS, numbersWithout } from '../../mutants/support/attacks.js'
import { loadMutants } from '../../mutants/support/catalog.js'
import { killersOf } from '../../mutants/support/killers.js'
import { mutated, type Named, occurrences } from '../../mutants/support/mutant.js'
import { markdown, median, totals, withAttacks, withTable } from '../../mutants/support/table.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const source = (file: string) => readFileSync(`${root}/src/${file}`, 'utf8')
const page = readFileSync(`${root}/docs/reliability.md`, 'utf8')
const mutants = await loadMutants(`${root}/test/mutants`)

/** Of what a unit test could see as well: that the simulator has no log, gate, snapshot or retry of its own. */
const OF_THE_SIMULATOR = [
  'gate-opens-one-batch-early',
  'records-not-checksummed',
  'sessions-left-out-of-the-snapshot',
  'client-retries-unknown-as-new',
] as const

const example: Named = {
  name: 'example',
  file: 'x.ts',
  find: 'a < b',
  replace: 'a <= b',
  why: 'An example.',
  seed: 3,
  caughtBy: 'one-leader',
  needsFaults: true,
}

describe('the planted bugs', () => {
  it('are at least forty', () => {
    expect(mutants.length).toBeGreaterThanOrEqual(40)
  })

  // A mutant that fits nowhere shows nothing: whoever moves the code it names moves the mutant too.
  it.each(mutants)('$name fits in exactly one place of src/$file', (mutant) => {
    expect(occurrences(source(mutant.file), mutant.find)).toBe(1)
    expect(mutated(source(mutant.file), mutant)).not.toBe(source(mutant.file))
  })

  it('are told in one line each', () => {
    for (const { why, name } of mutants) expect(why, name).toMatch(/^\S.{19,}\.$/)
  })

  it('have a seed and a check, or neither', () => {
    for (const { seed, caughtBy, name } of mutants)
      expect(seed === null, name).toBe(caughtBy === null)
  })

  it('have a seed, or a test that they fail', () => {
    const byTest = new Set(killersOf(mutants).map(({ mutant }) => mutant))
    const open = mutants.filter(({ name, seed }) => seed === null && !byTest.has(name))
    expect(open.map(({ name }) => name)).toEqual([])
  })

  it('of the log, the gate, the sessions and the client fall to the simulator', () => {
    const seeds = new Map(mutants.map(({ name, seed }) => [name, seed]))
    for (const name of OF_THE_SIMULATOR) expect(seeds.get(name), name).toBeGreaterThan(0)
  })

  it('are those of the table in docs/reliability.md, with their seeds', () => {
    expect(withTable(page, mutants)).toBe(page)
  })
})

describe('the attack list', () => {
  it('has a row for each attack that names a defence', () => {
    expect(numbersWithout(ATTACKS)).toEqual([])
    expect(numbersWithout(ATTACKS.filter(({ numbers }) => !numbers.includes(17)))).toEqual([17])
  })

  it.each(ATTACKS)('$mutant is a mutant, and its test bears the numbers', (attack) => {
    const { mutant, numbers, test } = attack
    expect(mutants.map(({ name }) => name)).toContain(mutant)
    const named = /^(\d+(?:, \d+)*): /.exec(test)?.[1]?.split(', ').map(Number) ?? []
    for (const number of numbers) expect(named).toContain(number)
  })

  it('is that of docs/pbft.md', () => {
    const text = readFileSync(`${root}/docs/pbft.md`, 'utf8')
    expect(withAttacks(text, ATTACKS)).toBe(text)
  })
})

describe('mutated', () => {
  it('changes the one place', () => {
    expect(mutated('if (a < b) c()', example)).toBe('if (a <= b) c()')
  })

  it('takes the replacement as it is', () => {
    expect(mutated('a < b', { ...example, replace: '$& $1' })).toBe('$& $1')
  })

  it('refuses none and two', () => {
    expect(() => mutated('b > a', example)).toThrow('example: `find` matches 0 times in src/x.ts')
    expect(() => mutated('a < b && a < b', example)).toThrow('matches 2 times')
  })
})

describe('the table', () => {
  it('counts what was not caught as more than any number of seeds', () => {
    expect(median([1, 2, 30])).toBe(2)
    expect(median([4, 1, 2, 30])).toBe(3)
    expect(median([1, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY])).toBe(
      Number.POSITIVE_INFINITY,
    )
    const lost = { ...example, seed: null, caughtBy: null }
    expect(totals([example, lost, { ...example, seed: 9 }])).toBe(
      '3 bugs, 2 caught by seeds, 0 by their test alone; ' +
        'seeds until caught: median 9, at most 9; ' +
        'not seen in 20 seeds without faults: 3',
    )
    expect(markdown([lost])).toContain('**not caught**')
    const killer = { file: 'wal/x.test.ts', test: 'is refused' }
    expect(markdown([{ ...lost, killer }])).toContain(
      '| | [its test](../test/unit/wal/x.test.ts) |',
    )
    expect(totals([example, { ...lost, killer }])).toContain('1 caught by seeds, 1 by their test')
  })

  it('goes into its place and leaves the page around it', () => {
    const twice = withTable(withTable(page, [example]), [example])
    expect(twice).toContain('| 3 | `one-leader` |')
    expect(twice).toBe(withTable(page, [example]))
    expect(twice.slice(0, 40)).toBe(page.slice(0, 40))
    expect(() => withTable('a page', [example])).toThrow('no place for the table')
  })
})
