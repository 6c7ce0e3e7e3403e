import { describe, expect, it } from 'vitest'
import { Violation } from '../../../../src/sim/checkers/violation.js'
import {
  attempt,
  eventsOf,
  parseRecipe,
  printRecipe,
  RecipeError,
  raftSim,
  shrink,
  wholeRun,
} from '../../../../src/sim/index.js'

/** Finds fault with a node that leads when it once had been led by another: any change of leader will do. */
const touchy: typeof raftSim = {
  ...raftSim,
  newChecker: () => {
    const checker = raftSim.newChecker()
    const led = new Set<string>()
    return new Proxy(checker, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        if (name !== 'sent') return value.bind(target)
        return (from: string, to: string, message: { readonly type: string }) => {
          if (message.type === 'AppendEntries') led.add(from)
          if (led.size > 1) throw new Violation('touchy', `${[...led].join(' and ')} have led`)
          Reflect.apply(value, target, [from, to, message])
        }
      },
    })
  },
}

/** One of the first seeds in which a second leads, after much else happened. */
function failing() {
  for (let seed = 1; seed < 40; seed++) {
    const recipe = wholeRun(seed, 5_000)
    const found = attempt(touchy, recipe)
    if (found.kind !== null && eventsOf(found) > 40) return recipe
  }
  throw new Error('no seed fails')
}

describe('shrink', () => {
  it('makes a failing run small, by the same way each time, and it still fails alike', () => {
    const recipe = failing()
    const run = () => shrink(recipe, { run: (one) => attempt(touchy, one), runsMax: 40 })
    const first = run()
    if (first === null) throw new Error('it failed before')
    expect(first.before.kind).toBe('touchy')
    expect(first.after.kind).toBe('touchy')
    expect(first.runs).toBeLessThanOrEqual(40)
    expect(eventsOf(first.after)).toBeLessThan(eventsOf(first.before) / 3)
    expect(first.after.report.simulatedMs).toBeLessThanOrEqual(first.before.report.simulatedMs)
    expect(run()?.recipe).toEqual(first.recipe)
    // What was printed and read again is the same run, event for event.
    const again = attempt(touchy, parseRecipe(printRecipe(first.recipe)))
    expect(again.report).toEqual(first.after.report)
  }, 30_000)

  it('takes no other failure for the same, and stops when told to', () => {
    let runs = 0
    const recipe = wholeRun(1, 1_000)
    const real = attempt(raftSim, { ...recipe, kinds: [], brief: true })
    const result = shrink(recipe, {
      run: () => {
        runs++
        return { ...real, kind: runs === 1 ? 'one' : 'other' }
      },
      runsMax: 1_000,
      shouldStop: () => runs >= 9,
    })
    expect(result?.recipe).toEqual(recipe)
    expect(result?.after.kind).toBe('one')
    expect(result?.whole).toBe(false)
    expect(runs).toBe(9)
  })

  it('leaves out some events together where none can be left out alone', () => {
    const recipe = wholeRun(1, 1_000)
    const real = attempt(raftSim, { ...recipe, kinds: [], brief: true })
    const all = Array.from({ length: 40 }, (_, i) => i)
    const result = shrink(recipe, {
      run: ({ strikes, operations }) => {
        const happened = { strikes: strikes ?? all, messages: [], operations: operations ?? all }
        const fails = happened.strikes.length === happened.operations.length
        return { ...real, happened, kind: fails ? 'as many of both' : null }
      },
      runsMax: 2_000,
    })
    if (result === null) throw new Error('it failed before')
    expect(eventsOf(result.before)).toBe(80)
    // As few as a person follows.
    expect(eventsOf(result.after)).toBeLessThanOrEqual(50)
    expect(result.after.kind).toBe('as many of both')
    expect(result.whole).toBe(true)
  })

  it('gives a cluster less time to get well, and holds what fails then against all of it', () => {
    const recipe = wholeRun(1, 1_000)
    const real = attempt(raftSim, { ...recipe, kinds: [], brief: true })
    const lasting = 'liveness: operations succeed again: not within N ms'
    const runs: [number, number | null][] = []
    const result = shrink(recipe, {
      // With fewer than three nodes it is slow, and gets well in a minute.
      run: ({ healMs, nodes }) => {
        runs.push([healMs, nodes])
        const isSlow = nodes !== null && nodes < 3
        return { ...real, kind: isSlow && healMs === 60_000 ? null : lasting }
      },
      runsMax: 200,
    })
    expect(runs.slice(0, 3)).toEqual([
      [60_000, null],
      [10_000, null],
      [60_000, null],
    ])
    expect(runs).toContainEqual([10_000, 1])
    expect(result?.recipe).toMatchObject({ healMs: 10_000, nodes: null })
  })

  it('takes nothing that was asked for nothing that succeeds', () => {
    const recipe = { ...wholeRun(1, 1_000), kinds: [], brief: true, progress: 1 }
    expect(attempt(raftSim, recipe).kind).toBeNull()
    expect(attempt(raftSim, { ...recipe, operations: [], healMs: 20_000 }).kind).toBe(
      'liveness: liveness: operations are asked again: not within N ms',
    )
  })

  it('has nothing to do where nothing fails', () => {
    const run = () => attempt(raftSim, { ...wholeRun(1, 1_000), kinds: [], brief: true })
    expect(shrink(wholeRun(1, 1_000), { run, runsMax: 10 })).toBeNull()
  })

  it('carries out only what a recipe keeps', () => {
    const recipe = { ...failing(), brief: true }
    const all = attempt(raftSim, recipe)
    const strikes = all.happened.strikes.slice(0, 1)
    const operations = all.happened.operations.slice(0, 2)
    const few = attempt(raftSim, { ...recipe, strikes, messages: [], operations })
    expect(few.happened).toEqual({ strikes, messages: [], operations })
  })
})

describe('a recipe in a file', () => {
  it('says what is wrong with it', () => {
    const printed = printRecipe(wholeRun(7, 1_000))
    expect(parseRecipe(printed)).toEqual(wholeRun(7, 1_000))
    const older = printed.replace(/ "(progress|healMs)": [0-9]+,\n/g, '')
    expect(older).not.toContain('healMs')
    expect(parseRecipe(older)).toEqual(wholeRun(7, 1_000))
    for (const [from, to] of [
      ['"format": 1', '"format": 2'],
      ['"seed": 7', '"seed": -7'],
      ['"kinds": null', '"kinds": ["rain"]'],
      ['"nodes": null', '"nodes": 0'],
      ['{', '['],
    ] as const)
      expect(() => parseRecipe(printed.replace(from, to)), to).toThrow(RecipeError)
  })
})
