/**
 * A small bank, and what must be true of it whatever happens to the nodes that run it.
 *
 *   npx tsc -b && npx vitest run test/unit/examples      (runs it as a test)
 */
import type { StateMachine } from 'quorate'
import { type Model, stepModel } from 'quorate/check'
import { type Draw, type SimulatedOperation, type SimulateReport, simulate } from 'quorate/sim'

export const ACCOUNTS = 12

/** What may be wrong with it, to see that it is caught. */
export type Bug = 'none' | 'forgets-an-account-in-snapshots' | 'overdraws'

/** What it holds, and how often that was changed. */
type Account = readonly [balance: number, changes: number]

/** A command is an account, and a signed amount to put there or take away; the answer is the account behind it. */
export class Bank implements StateMachine {
  #accounts: Account[] = new Array<Account>(ACCOUNTS).fill([0, 0])
  readonly #bug: Bug

  constructor(bug: Bug = 'none') {
    this.#bug = bug
  }

  get accounts(): readonly Account[] {
    return this.#accounts
  }

  apply(command: Uint8Array): Uint8Array {
    const [at = 0, amount = 0] = new Int8Array(command)
    const [balance, changes] = this.#of(at)
    if (balance + amount >= 0 || this.#bug === 'overdraws')
      this.#accounts[at] = [balance + amount, changes + 1]
    return encode(this.#of(at))
  }

  query(query: Uint8Array): Uint8Array {
    return encode(this.#of(query[0] ?? 0))
  }

  *snapshot(): Iterable<Uint8Array> {
    const forgets = this.#bug === 'forgets-an-account-in-snapshots'
    yield encode(forgets ? [[0, 0], ...this.#accounts.slice(1)] : this.#accounts)
  }

  restore(chunks: Iterable<Uint8Array>): void {
    this.#accounts = [...chunks].flatMap((chunk) => decode(chunk) as Account[])
  }

  hash(): string {
    return JSON.stringify(this.#accounts)
  }

  #of(at: number): Account {
    return this.#accounts[at] ?? [0, 0]
  }
}

/** What a correct account does, by itself: the checker holds what the clients saw against it. */
export const bankModel: Model = stepModel({
  name: 'bank',
  initial: [0, 0],
  partitionOf: ({ key }) => String(key),
  step: (state, { f, input }) => {
    const [balance, changes] = state as Account
    const after = balance + (input as number)
    const next: Account = f === 'change' && after >= 0 ? [after, changes + 1] : [balance, changes]
    return { state: next, output: next }
  },
})

/** What clients ask: changes, and now and then what an account holds. */
export function workload(draw: Draw): SimulatedOperation {
  const key = draw.int(0, ACCOUNTS - 1)
  const answer = (bytes: Uint8Array) => decode(bytes) as Account
  if (draw.chance(0.3))
    return { type: 'query', bytes: Uint8Array.of(key), f: 'read', key, value: 0, answer }
  const value = draw.pick([-20, -10, 10, 20])
  return { type: 'command', bytes: Uint8Array.of(key, value), f: 'change', key, value, answer }
}

/** Clusters with crashes, partitions, damaged disks and whatever else their seeds draw. */
export function simulateBank(bug: Bug, seeds: number | readonly number[] = 10): SimulateReport {
  return simulate({
    machine: () => new Bank(bug),
    workload,
    seeds,
    duration: 3_000,
    check: {
      model: bankModel,
      invariants: {
        'no-debts': ({ accounts }) =>
          accounts.every(([balance]) => balance >= 0) || `accounts: ${accounts.join(' ')}`,
      },
    },
  })
}

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}

function decode(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(bytes))
}
