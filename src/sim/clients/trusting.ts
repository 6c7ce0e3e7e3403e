/** A client that believes the node that answers it: the real client's rules, on the simulated network. */
import {
  type ClientEffect,
  type ClientOptions,
  type ClientState,
  newClient,
  type ReplyOutcome,
} from '../../client/core/state.js'
import { isIdle, stepClient } from '../../client/core/step.js'
import type { Refusals } from '../checkers/refusals.js'
import type { ClientHost, SimClient } from './client.js'

export class TrustingClient implements SimClient {
  readonly #host: ClientHost
  readonly #refusals: Refusals
  readonly #state: ClientState

  constructor(options: ClientOptions, host: ClientHost, refusals: Refusals) {
    this.#host = host
    this.#refusals = refusals
    this.#state = newClient(options)
  }

  get isIdle(): boolean {
    return isIdle(this.#state)
  }

  ask({ id, type, bytes, deadline }: Parameters<SimClient['ask']>[0]): void {
    if (type === 'query') this.#step({ type: 'Query', id, query: bytes, deadline })
    else this.#step({ type: 'Command', id, command: bytes, deadline })
  }

  tick(now: number): void {
    this.#step({ type: 'Tick', now })
  }

  #step(input: Parameters<typeof stepClient>[1]): void {
    for (const effect of stepClient(this.#state, input)) this.#run(effect)
  }

  #run(effect: ClientEffect): void {
    if (effect.type === 'Done') {
      this.#refusals.ended(effect.id, effect.outcome)
      return this.#host.done(effect.id, effect.outcome)
    }
    const { id, attempt, to, deadline } = effect
    this.#refusals.sent(id, attempt)
    const reply = (outcome: ReplyOutcome) =>
      this.#host.reply(() => {
        this.#refusals.heard(id, attempt, outcome)
        this.#step({ type: 'Reply', attempt, id, outcome })
      })
    let copies = 1
    // Whoever repeats a request on its way hands on a refusal only when no copy may be accepted yet.
    const told = (outcome: ReplyOutcome) => {
      if (!isRefusal(outcome) || --copies === 0) reply(outcome)
    }
    const twice = this.#host.request(to, (reached) => {
      const left = Math.max(0, deadline - this.#host.now())
      const { door } = this.#host
      if (effect.type === 'SendCommand') door.command(reached, effect.request, left, told)
      else door.query(reached, effect.query, left, told)
    })
    if (twice) copies++
  }
}

function isRefusal({ type }: ReplyOutcome): boolean {
  return type === 'NotLeader' || type === 'Overloaded' || type === 'Unreachable'
}
