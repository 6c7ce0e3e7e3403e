/**
 * Who refuses for certain has never appended it (PROTOCOL 2): a client that hears NotLeader or Overloaded of every
 * attempt takes its command for one that is executed never.
 */
import type { ReplyOutcome } from '../../client/core/state.js'
import type { Effect, Input, Request } from '../../consensus/contract.js'
import type { NodeId } from '../../consensus/ids.js'
import { check } from './violation.js'

export class AppendedRequests {
  /** Proposals so far, over all nodes: a clock. */
  #proposals = 0
  /** By node, session and seq: when that node last appended it as a leader. */
  readonly #appended = new Map<string, number>()

  stepped(id: NodeId, input: Input<unknown>, effects: readonly Effect<unknown, unknown>[]): void {
    if (input.type !== 'Propose' || input.requests.length === 0) return
    const refused = new Set<string>()
    let persisted = false
    for (const effect of effects) {
      if (effect.type === 'Persist') persisted = true
      else if (effect.type === 'Answer' && 'session' in effect.id)
        refused.add(`${effect.id.session}:${effect.id.seq}`)
    }
    if (!persisted) return
    this.#proposals++
    for (const request of input.requests)
      if (!refused.has(`${request.session}:${request.seq}`))
        this.#appended.set(keyOf(id, request), this.#proposals)
  }

  /** The request is about to be submitted there; what comes back is told what the node says to that. */
  submitted(id: NodeId, request: Request): (outcome: ReplyOutcome) => void {
    const since = this.#proposals
    return ({ type }) => {
      if (type !== 'NotLeader' && type !== 'Overloaded') return
      const appended = this.#appended.get(keyOf(id, request)) ?? 0
      check(
        appended <= since,
        'refused-after-append',
        () =>
          `${id} refuses seq ${request.seq} of session ${request.session}, which it has appended`,
      )
    }
  }
}

function keyOf(id: NodeId, { session, seq }: Pick<Request, 'session' | 'seq'>): string {
  return `${id}:${session}:${seq}`
}
