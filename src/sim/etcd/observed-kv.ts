/** The real store as a simulated node runs it, with the hub of its watches, seen by whoever knows what it must hold. */
import { KvMachine } from '../../machine/kv/kv-machine.js'
import type { ApplyContext, StateMachine } from '../../machine/state-machine.js'
import { WatchHub } from '../../machine/watch/hub.js'
import type { Truth } from './truth.js'

/** Between a change and the hub's work (ms). */
const HUB_MS = 0.05

export interface SimClock {
  readonly now: number
  after(ms: number, task: () => void): void
}

export class ObservedKv implements StateMachine {
  readonly kv = new KvMachine()
  readonly hub: WatchHub
  readonly #truth: Truth

  constructor(truth: Truth, clock: () => SimClock) {
    this.#truth = truth
    this.hub = new WatchHub(this.kv, {
      soon: (task) => clock().after(HUB_MS, task),
      now: () => clock().now,
    })
    this.kv.listen(this.hub)
  }

  advance(context: ApplyContext): void {
    this.kv.advance(context)
    this.#truth.advanced(this.kv, context)
  }

  apply(command: Uint8Array, context: ApplyContext): Uint8Array {
    const result = this.kv.apply(command, context)
    this.#truth.applied(this.kv, { command, result }, context)
    return result
  }

  query(query: Uint8Array): Uint8Array {
    return this.kv.query(query)
  }

  snapshot(): Iterable<Uint8Array> {
    return this.kv.snapshot()
  }

  restore(chunks: Iterable<Uint8Array>): void {
    this.kv.restore(chunks)
  }

  hash(): string {
    return this.kv.hash()
  }

  nextDeadline(): number | null {
    return this.kv.nextDeadline()
  }
}
