/** Is a history linearizable? Partition by partition, the easy ones first, within a budget. */
import { present } from '../base/assert.js'
import { type Counterexample, explain, explainPlain } from './counterexample.js'
import { type HistoryEvent, type Operation, pairEvents } from './history.js'
import type { Model } from './model.js'
import { type SearchResult, search } from './search.js'

export interface CheckOptions {
  /** Placements that may be tried in the whole history; default 50 million. */
  readonly stepsMax?: number
  /** Asked every few hundred steps: a place for a clock, which this code does not have. */
  readonly shouldStop?: () => boolean
  /** The same, for making a counterexample small; the verdict stands by then. */
  readonly shouldStopShrinking?: () => boolean
}

export interface CheckResult {
  /** `unknown`: the budget ran out. Not a pass. */
  readonly verdict: 'ok' | 'violation' | 'unknown'
  readonly model: string
  readonly operations: number
  readonly partitions: number
  readonly steps: number
  /** Names of the partitions that are not decided. */
  readonly undecided: readonly string[]
  readonly counterexample: Counterexample | null
}

const STEPS_MAX = 50_000_000
/** Steps for each partition in the first two rounds; each further pair of rounds has six times as many. */
const FIRST_ROUND_STEPS = 20_000

/** Takes events in order, or operations made of them. */
export function checkLinearizable(
  history: readonly HistoryEvent[] | readonly Operation[],
  model: Model,
  options: CheckOptions = {},
): CheckResult {
  const operations = isPaired(history) ? history : pairEvents(history)
  const shouldStop = options.shouldStop ?? (() => false)
  const stepsMax = options.stepsMax ?? STEPS_MAX
  const partitions = partition(operations, model)
  let undecided = [...partitions.keys()]
  let steps = 0
  const result = (verdict: CheckResult['verdict'], counterexample: Counterexample | null) => ({
    verdict,
    model: model.name,
    operations: operations.length,
    partitions: partitions.size,
    steps,
    undecided,
    counterexample,
  })
  for (const [name, part] of partitions) {
    const plain = model.contradictionIn?.(part) ?? null
    if (plain === null) continue
    undecided = undecided.filter((other) => other !== name)
    return result('violation', explainPlain(part, plain, name))
  }
  let latestFirst = false
  for (let budget = FIRST_ROUND_STEPS; undecided.length > 0; latestFirst = !latestFirst) {
    const left: string[] = []
    for (const name of undecided) {
      if (steps >= stepsMax || shouldStop()) return result('unknown', null)
      const part = present(partitions.get(name))
      const found: SearchResult = search(model.arrange(part), {
        stepsMax: Math.min(budget, stepsMax - steps),
        shouldStop,
        latestFirst,
      })
      steps += found.steps
      if (found.verdict === 'unknown') left.push(name)
      if (found.verdict === 'violation') {
        undecided = undecided.filter((other) => other !== name)
        const stop = options.shouldStopShrinking ?? (() => false)
        return result('violation', explain(part, model, name, stop))
      }
    }
    undecided = left
    if (latestFirst) budget *= 6
  }
  return result('ok', null)
}

function isPaired(
  history: readonly HistoryEvent[] | readonly Operation[],
): history is readonly Operation[] {
  const first = history[0]
  return first === undefined || 'outcome' in first
}

/** The smallest first. */
function partition(operations: readonly Operation[], model: Model): Map<string, Operation[]> {
  const parts = new Map<string, Operation[]>()
  for (const operation of operations) {
    const name = model.partitionOf(operation)
    const part = parts.get(name)
    if (part === undefined) parts.set(name, [operation])
    else part.push(operation)
  }
  return new Map([...parts].sort(([, a], [, b]) => a.length - b.length))
}
