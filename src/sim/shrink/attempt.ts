/** Runs a recipe, and says how it failed and what it took. */
import type { Core } from '../../consensus/contract.js'
import type { Happened } from '../kept.js'
import type { SimProtocol } from '../protocol.js'
import { DEMANDS, NO_DEMANDS, type SeedReport } from '../run/options.js'
import { runSeed } from '../run.js'
import { type Recipe, swarmOf } from './recipe.js'

export interface Attempt {
  readonly report: SeedReport
  readonly happened: Happened
  /** Of the violation, without its numbers; null: it did not fail. */
  readonly kind: string | null
}

/** Strikes, messages that suffered something, and operations of clients: what a person would have to follow. */
export function eventsOf({ happened }: Attempt): number {
  return happened.strikes.length + happened.messages.length + happened.operations.length
}

export function attempt<M extends { readonly type: string }, R, O, C extends Core<M, R>>(
  sim: SimProtocol<M, R, O, C>,
  recipe: Recipe,
  trace?: (line: string) => void,
): Attempt {
  let happened: Happened = { strikes: [], messages: [], operations: [] }
  const report = runSeed({
    sim,
    seed: recipe.luck,
    forMs: recipe.forMs,
    adjust: () => swarmOf(recipe, sim.fitted),
    demands: recipe.brief ? { ...NO_DEMANDS, progress: recipe.progress } : DEMANDS,
    healMs: recipe.healMs,
    happened: (all) => {
      happened = all
    },
    ...(trace === undefined ? {} : { trace }),
  })
  return { report, happened, kind: kindOf(report) }
}

/** What was demanded in vain, or thrown, belongs to the kind; who and how much do not. */
function kindOf({ failure }: SeedReport): string | null {
  if (failure === null) return null
  const { invariant, message } = failure
  const told = invariant === 'liveness' || /Error$/.test(invariant)
  return told ? `${invariant}: ${message.replace(/[0-9]+/g, 'N')}` : invariant
}
