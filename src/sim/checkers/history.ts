/** What the clients saw: every operation with its place in real time. */
import type { LedgerCommand, LedgerQuery } from '../ledger.js'

export type LedgerOperation = LedgerCommand | LedgerQuery

export interface Recorded {
  readonly operation: LedgerOperation
  /** Places in one order of all invocations and completions. */
  readonly invokedAt: number
  completedAt: number
  /** `unknown`: perhaps executed, perhaps later; `failed`: certainly never. */
  outcome: 'pending' | 'ok' | 'failed' | 'unknown'
  /** Of ok Write, Cas, Append and Get. */
  number: number
  /** Of ok List. */
  list: readonly number[]
}

export class History {
  readonly operations: Recorded[] = []
  #clock = 0
  #ok = 0
  #failed = 0
  #unknown = 0

  invoke(operation: LedgerOperation): Recorded {
    const recorded: Recorded = {
      operation,
      invokedAt: this.#clock++,
      completedAt: Number.POSITIVE_INFINITY,
      outcome: 'pending',
      number: 0,
      list: [],
    }
    this.operations.push(recorded)
    return recorded
  }

  ok(recorded: Recorded, result: { number: number } | { list: readonly number[] }): void {
    recorded.outcome = 'ok'
    recorded.completedAt = this.#clock++
    if ('number' in result) recorded.number = result.number
    else recorded.list = result.list
    this.#ok++
  }

  failed(recorded: Recorded): void {
    recorded.outcome = 'failed'
    this.#failed++
  }

  /** It may take effect at any later time: its interval never ends. */
  unknown(recorded: Recorded): void {
    recorded.outcome = 'unknown'
    this.#unknown++
  }

  counts(): { readonly ok: number; readonly failed: number; readonly unknown: number } {
    return { ok: this.#ok, failed: this.#failed, unknown: this.#unknown }
  }
}
