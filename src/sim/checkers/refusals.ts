/** Who cannot know says so, and who can know must not: what every attempt was refused for certain has failed. */
import { type ClientOutcome, OPENING, type ReplyOutcome } from '../../client/core/state.js'
import { check } from './violation.js'

export class Refusals {
  /** By operation: its attempts that got no definite refusal. */
  readonly #open = new Map<number, Set<number>>()

  sent(id: number, attempt: number): void {
    if (id === OPENING) return
    const attempts = this.#open.get(id)
    if (attempts === undefined) this.#open.set(id, new Set([attempt]))
    else attempts.add(attempt)
  }

  /** The client is about to hear it. */
  heard(id: number, attempt: number, { type }: ReplyOutcome): void {
    if (type === 'NotLeader' || type === 'Overloaded' || type === 'Unreachable')
      this.#open.get(id)?.delete(attempt)
  }

  ended(id: number, outcome: ClientOutcome): void {
    const open = this.#open.get(id)?.size ?? 0
    this.#open.delete(id)
    check(
      outcome.type !== 'Indeterminate' || open > 0,
      'definite-refusal',
      () => `operation ${id} ends as perhaps executed, and every attempt of it was refused`,
    )
  }
}
