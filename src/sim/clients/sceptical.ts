/** A client that believes f+1 replicas that say the same: the real client's rules, on the simulated network. */
import {
  newPbftClient,
  type PbftClientEffect,
  type PbftClientInput,
  type PbftClientOptions,
  type PbftClientState,
} from '../../client/core/pbft-state.js'
import { stepPbftClient } from '../../client/core/pbft-step.js'
import type { Request } from '../../consensus/contract.js'
import type { NodeId } from '../../consensus/ids.js'
import { check } from '../checkers/violation.js'
import type { ClientHost, ReplicaReply, SimClient, SimSessionCodec } from './client.js'

/** How long a node holds a request that it was told of (ms). */
const HELD_MS = 5_000

export class ScepticalClient implements SimClient {
  readonly #host: ClientHost
  readonly #session: SimSessionCodec
  readonly #state: PbftClientState
  readonly #queries = new Set<number>()

  constructor(
    options: PbftClientOptions & { readonly session: SimSessionCodec },
    host: ClientHost,
  ) {
    this.#host = host
    this.#session = options.session
    this.#state = newPbftClient(options)
  }

  get isIdle(): boolean {
    const { underWay, queue } = this.#state
    return underWay.size === 0 && queue.length === 0
  }

  ask({ id, type, bytes, deadline }: Parameters<SimClient['ask']>[0]): void {
    if (type === 'query') this.#queries.add(id)
    this.#step({ type: type === 'query' ? 'Query' : 'Command', id, payload: bytes, deadline })
  }

  tick(now: number): void {
    this.#step({ type: 'Tick', now })
  }

  heard(reply: ReplicaReply, number: string): void {
    if (!this.#state.byNumber.has(number)) return
    const { replica, view, session, seq, answer } = reply
    this.#host.reply(() => this.#step({ type: 'Reply', replica, view, session, seq, answer }))
  }

  #step(input: PbftClientInput): void {
    for (const effect of stepPbftClient(this.#state, input)) this.#run(effect)
  }

  #run(effect: PbftClientEffect): void {
    switch (effect.type) {
      case 'Send': {
        const targets = effect.to === null ? this.#state.replicas : [effect.to]
        for (const to of targets) this.#send(to, effect.request)
        return
      }
      case 'Done': {
        const { id, outcome } = effect
        const query = this.#queries.delete(id)
        if (outcome.type !== 'Answer') return this.#host.done(id, outcome)
        const content = this.#session.isContent(outcome.bytes)
        check(content, 'believed-answer', () => `operation ${id}: no honest replica says that`)
        if (!query) return this.#host.done(id, outcome)
        const bytes = this.#session.content(outcome.bytes)
        return this.#host.done(id, { type: 'Answer', bytes })
      }
      case 'Forget':
        return
    }
  }

  #send(to: NodeId, request: Request): void {
    const { session, seq } = request
    this.#host.request(to, (reached) =>
      this.#host.door.command(reached, request, HELD_MS, (outcome) => {
        // Its answer comes as every replica's does.
        if (outcome.type === 'Answer') return
        this.#host.reply(() => this.#step({ type: 'Refused', session, seq, told: true }))
      }),
    )
  }
}
