/** A user's workload as a load of the simulator: draws, records as a history, and has the history checked. */
import { present } from '../../base/assert.js'
import { checkLinearizable } from '../../check/check.js'
import type { Operation } from '../../check/history.js'
import { counterexampleWords } from '../../check/report.js'
import type { Value } from '../../check/value.js'
import type { StateMachine } from '../../machine/state-machine.js'
import type { Asked, Load } from '../application.js'
import type { Recorded } from '../checkers/history.js'
import { check } from '../checkers/violation.js'
import type { World } from '../world.js'
import type { Checks, Draw, SimulatedOperation } from './options.js'

/** Placements that the check of one run may try. */
const STEPS_MAX = 1_000_000

interface Record {
  readonly client: number
  readonly operation: SimulatedOperation
  readonly invokedAt: number
  completedAt: number
  readonly invokedMs: number
  outcome: 'pending' | 'ok' | 'failed' | 'unknown'
  output: Value
}

export class UserLoad<T extends StateMachine> implements Load {
  readonly operations: readonly Recorded[] = []
  readonly #world: World
  readonly #workload: (draw: Draw) => SimulatedOperation
  readonly #checks: Checks<T>
  readonly #records: Record[] = []
  readonly #counts = { ok: 0, failed: 0, unknown: 0 }
  #clock = 0
  #unique = 0

  constructor(world: World, workload: (draw: Draw) => SimulatedOperation, checks: Checks<T>) {
    this.#world = world
    this.#workload = workload
    this.#checks = checks
  }

  counts(): ReturnType<Load['counts']> {
    return { ...this.#counts }
  }

  next(client: number): () => Asked {
    const world = this.#world
    const operation = this.#workload({
      client,
      unique: ++this.#unique,
      int: (min, max) => world.int(min, max),
      chance: (share) => world.chance(share),
      pick: (some) => present(some[world.int(0, some.length - 1)]),
    })
    return () => this.#ask(client, operation)
  }

  last(client: number): () => Asked {
    return this.next(client)
  }

  judge(): number {
    const { model } = this.#checks
    if (model === undefined) return 0
    const operations = this.#records.map(asOperation)
    const result = checkLinearizable(operations, model, { stepsMax: STEPS_MAX })
    const { counterexample } = result
    check(result.verdict !== 'violation', 'linearizable', () =>
      counterexample === null ? 'no order' : counterexampleWords(counterexample).join('\n'),
    )
    return result.undecided.length
  }

  judgeHistory(): number {
    return this.judge()
  }

  #ask(client: number, operation: SimulatedOperation): Asked {
    const record: Record = {
      client,
      operation,
      invokedAt: this.#clock++,
      completedAt: Number.POSITIVE_INFINITY,
      invokedMs: this.#world.now,
      outcome: 'pending',
      output: null,
    }
    this.#records.push(record)
    const { type, bytes, f, key, value } = operation
    return {
      type,
      bytes,
      recorded: record,
      told: () => JSON.stringify({ f, key, value }),
      answered: (answer) => {
        record.output = operation.answer(answer)
        record.completedAt = this.#clock++
        this.#end(record, 'ok')
      },
      failed: () => {
        record.completedAt = this.#clock++
        this.#end(record, 'failed')
      },
      unknown: () => this.#end(record, 'unknown'),
    }
  }

  #end(record: Record, outcome: 'ok' | 'failed' | 'unknown'): void {
    record.outcome = outcome
    this.#counts[outcome]++
  }
}

function asOperation(record: Record, id: number): Operation {
  const { operation, outcome } = record
  return {
    id,
    process: record.client,
    f: operation.f,
    key: operation.key ?? null,
    input: operation.value ?? null,
    outcome: outcome === 'ok' ? 'ok' : outcome === 'failed' ? 'fail' : 'info',
    output: record.output,
    error: null,
    asked: {},
    answer: {},
    invokedAt: record.invokedAt,
    completedAt: record.completedAt,
    time: { invoked: record.invokedMs, completed: null },
  }
}
