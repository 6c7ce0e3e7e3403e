/** What becomes of one mutant: is it killed by its recorded seed, and how many seeds does it take from 1 up. */
import { randomInt } from 'node:crypto'
import type { Mutant, Named } from './mutant.js'
import type { Tree } from './tree.js'
import { type Baseline, type Outcome, Trial } from './trial.js'

/** Tried where the recorded one shows nothing any more. */
const FIRST_SEEDS = 30
const FAULT_FREE_SEEDS = 20
/** Far above what a search reaches, and the bound of what a seed may be. */
const FRESH_MIN = 1_000_000
const FRESH_MAX = 1_000_000_000

/** Where a mutant is judged. */
export interface Bench {
  readonly tree: Tree
  readonly baseline: Baseline
}

export interface Verdict {
  readonly name: string
  /** `unknown`: no seed is recorded. */
  readonly result: 'passed' | 'failed' | 'unknown'
  readonly line: string
}

/**
 * The recorded seed must kill it, or, where a change of the simulator has made another history of that seed, one of the
 * first few. How many of so many `fresh` seeds see it is told as well: whether the recorded one is luck.
 */
export async function confirm(bench: Bench, mutant: Named, fresh: number): Promise<Verdict> {
  const { name, seed } = mutant
  // A bug that fits nowhere any more is none.
  if (seed === null && fresh === 0) {
    bench.tree.holds(mutant)
    return { name, result: 'unknown', line: 'no seed is known' }
  }
  bench.tree.plant(mutant)
  const trial = new Trial(bench.tree.root, mutant.protocol)
  try {
    const also = fresh === 0 ? '' : `; ${await freshSeeds(trial, fresh)} fresh seeds see it`
    if (seed === null) return { name, result: 'unknown', line: `no seed is known${also}` }
    const killer = await killerOf(bench, trial, { seed, protocol: mutant.protocol })
    if (killer === null) return { name, result: 'failed', line: `nobody sees it any more${also}` }
    const moved = killer.seed === seed ? '' : `, seed ${seed} no longer`
    return { name, result: 'passed', line: `seed ${killer.seed}: ${killer.check}${moved}${also}` }
  } finally {
    trial.close()
  }
}

async function killerOf(
  { baseline }: Bench,
  trial: Trial,
  { seed: recorded, protocol }: { readonly seed: number; readonly protocol: Mutant['protocol'] },
): Promise<{ readonly seed: number; readonly check: string } | null> {
  const others = Array.from({ length: FIRST_SEEDS }, (_, i) => i + 1)
  for (const seed of [recorded, ...others.filter((other) => other !== recorded)]) {
    const outcome = await trial.run({ seed, faultFree: false })
    if (outcome.type === 'caught' && (await baseline.passes(seed, protocol)))
      return { seed, check: outcome.check }
  }
  return null
}

async function freshSeeds(trial: Trial, fresh: number): Promise<string> {
  let saw = 0
  for (let ran = 0; ran < fresh; ran++) {
    const outcome = await trial.run({ seed: randomInt(FRESH_MIN, FRESH_MAX), faultFree: false })
    if (outcome.type === 'caught') saw++
  }
  return `${saw} of ${fresh}`
}

export interface Found {
  readonly seed: number | null
  readonly caughtBy: string | null
  readonly needsFaults: boolean
  readonly line: string
}

/**
 * From seed 1 up until a check sees it. With `faultFree` also seeds without faults, which it should pass; else what is
 * known of those stays.
 */
export async function search(
  { tree, baseline }: Bench,
  mutant: Named,
  options: { readonly seedsMax: number; readonly faultFree: boolean },
): Promise<Found> {
  const { seedsMax } = options
  tree.plant(mutant)
  const trial = new Trial(tree.root, mutant.protocol)
  try {
    let thrown = ''
    let found: { seed: number; caughtBy: string; message: string } | null = null
    for (let seed = 1; seed <= seedsMax && found === null; seed++) {
      const outcome = await trial.run({ seed, faultFree: false })
      if (outcome.type === 'caught' && (await baseline.passes(seed, mutant.protocol)))
        found = { seed, caughtBy: outcome.check, message: outcome.message }
      else if (outcome.type === 'thrown' && thrown === '')
        thrown = ` (seed ${seed}: ${inWords(outcome)})`
      if (outcome.type === 'hung') break
    }
    const loud = options.faultFree ? await faultFree(trial) : null
    const needsFaults = options.faultFree ? loud === null : mutant.needsFaults
    const without = loud === null ? '' : `; without faults ${loud}`
    const seen =
      found === null
        ? `not caught in ${seedsMax} seeds`
        : `seed ${found.seed}: ${found.caughtBy}: ${found.message}`
    const line = `${seen}${thrown}${without}`
    return {
      seed: found?.seed ?? null,
      caughtBy: found?.caughtBy ?? null,
      needsFaults,
      line,
    }
  } finally {
    trial.close()
  }
}

/** The first seed without faults that it does not pass, in words. */
async function faultFree(trial: Trial): Promise<string | null> {
  for (let seed = 1; seed <= FAULT_FREE_SEEDS; seed++) {
    const outcome = await trial.run({ seed, faultFree: true })
    if (outcome.type !== 'passed') return `seed ${seed}: ${inWords(outcome)}`
  }
  return null
}

function inWords(outcome: Outcome): string {
  switch (outcome.type) {
    case 'passed':
      return 'nothing was seen'
    case 'caught':
      return outcome.check
    case 'thrown':
      return `${outcome.error}: ${outcome.message.split('\n')[0]}`
    case 'hung':
      return 'it hangs'
  }
}
