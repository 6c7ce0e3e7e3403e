/** What the simulator's own clients ask of its own machine. Every value they write is unique. */

import type { StateMachine } from '../machine/state-machine.js'
import type { Application, Asked, Load } from './application.js'
import { History, type LedgerOperation, type Recorded } from './checkers/history.js'
import { decodeList, decodeNumber, encodeCommand, encodeQuery, Ledger } from './ledger.js'
import { judge, judgeHistory } from './run/judge.js'
import type { WorkloadOptions } from './workload.js'
import type { World } from './world.js'

export const ledgerApplication: Application = {
  newMachine: () => new Ledger(),
  newLoad: (world, options) => new LedgerLoad(world, options),
}

class LedgerLoad implements Load {
  readonly #history = new History()
  readonly #world: World
  readonly #options: WorkloadOptions
  /** The last value seen of each register: what a Cas expects. */
  readonly #lastSeen = new Map<number, number>()
  #lastValue = 0

  constructor(world: World, options: WorkloadOptions) {
    this.#world = world
    this.#options = options
  }

  get operations(): readonly Recorded[] {
    return this.#history.operations
  }

  counts(): ReturnType<Load['counts']> {
    return this.#history.counts()
  }

  judge(final: StateMachine): number {
    return judge(this.operations, final)
  }

  judgeHistory(): number {
    return judgeHistory(this.operations)
  }

  next(): () => Asked {
    const operation = this.#draw()
    return () => this.#ask(operation)
  }

  last(): () => Asked {
    const operation = { type: 'Append', key: 1, value: ++this.#lastValue } as const
    return () => this.#ask(operation)
  }

  #draw(): LedgerOperation {
    const { registers, lists, readShare, listShare, casShare } = this.#options
    const reads = this.#world.chance(readShare)
    if (this.#world.chance(listShare)) {
      const key = this.#world.int(1, lists)
      return reads ? { type: 'List', key } : { type: 'Append', key, value: ++this.#lastValue }
    }
    const key = this.#world.int(1, registers)
    if (reads) return { type: 'Get', key }
    const value = ++this.#lastValue
    if (!this.#world.chance(casShare)) return { type: 'Write', key, value }
    return { type: 'Cas', key, expected: this.#lastSeen.get(key) ?? 0, value }
  }

  #ask(operation: LedgerOperation): Asked {
    const recorded = this.#history.invoke(operation)
    const about = {
      recorded,
      told: () => JSON.stringify(operation),
      answered: (bytes: Uint8Array) => this.#answered(recorded, bytes),
      failed: () => this.#history.failed(recorded),
      unknown: () => this.#history.unknown(recorded),
    }
    if (operation.type === 'Get' || operation.type === 'List')
      return { type: 'query', bytes: encodeQuery(operation), ...about }
    const padding = this.#world.int(0, this.#options.paddingBytesMax)
    return { type: 'command', bytes: encodeCommand(operation, padding), ...about }
  }

  #answered(recorded: Recorded, bytes: Uint8Array): void {
    const { operation } = recorded
    if (operation.type === 'List') {
      this.#history.ok(recorded, { list: decodeList(bytes) })
      return
    }
    const number = decodeNumber(bytes)
    this.#history.ok(recorded, { number })
    if (operation.type === 'Append') return
    const seen = operation.type === 'Write' ? operation.value : number
    this.#lastSeen.set(operation.key, seen)
  }
}
