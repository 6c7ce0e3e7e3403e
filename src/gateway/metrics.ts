/** What a gateway counts, under etcd's names where it is the same thing. It has no log, no store and no peers. */
import { collectDefaultMetrics, Registry } from 'prom-client'
import type { WatchNumbers } from '../machine/watch/hub.js'
import type { CallTally } from '../rpc/call-tally.js'
import type { Outcomes } from '../server/etcd/tallied-door.js'
import { readCalls } from '../server/http/metrics/network.js'
import { Register } from '../server/http/metrics/register.js'
import { describe, readOutcomes } from '../server/http/metrics/server.js'
import { readWatch } from '../server/http/metrics/store.js'
import { VERSION } from '../version.js'

export interface GatewayNumbers {
  readonly memberId: string
  readonly tally: CallTally
  readonly outcomes: Readonly<Outcomes>
  readonly watch: () => WatchNumbers
  answers(): boolean
  view(): number
  /** Replicas that cannot be reached. */
  unreachable(): number
  /** Signatures of replies: computed, and known already. */
  signatures(): { readonly verifications: number; readonly remembered: number }
}

export class GatewayMetrics {
  readonly #registry = new Registry()

  constructor(numbers: GatewayNumbers) {
    const to = new Register(this.#registry)
    collectDefaultMetrics({ register: this.#registry })
    describe(to, { version: VERSION, protocol: 'pbft', memberId: numbers.memberId })
    to.gauge('etcd_server_has_leader', 'Whether f+1 replicas answer.', () =>
      numbers.answers() ? 1 : 0,
    )
    to.gauge('quorate_term', "PBFT's view, as f+1 replicas tell it.", () => numbers.view())
    to.gauge('quorate_gateway_replicas_unreachable', 'Replicas that cannot be reached.', () =>
      numbers.unreachable(),
    )
    to.counter(
      'quorate_signatures_verified_total',
      'Signatures of replies that were computed.',
      () => numbers.signatures().verifications,
    )
    to.counter(
      'quorate_signatures_remembered_total',
      'Signatures of replies that were known already.',
      () => numbers.signatures().remembered,
    )
    readCalls(to, numbers.tally)
    readOutcomes(to, numbers.outcomes)
    readWatch(to, numbers.watch, numbers.tally)
  }

  async text(): Promise<{ type: string; text: string }> {
    return { type: this.#registry.contentType, text: await this.#registry.metrics() }
  }
}
