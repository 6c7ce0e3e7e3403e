/**
 * A linearizable read sees all that was committed when it was asked (thesis §6.4). Whoever answers it with less led no
 * more, or never asked whether it does: seen at the answer, be there a client that would notice or not.
 */
import type { Effect, Input } from '../../consensus/contract.js'
import type { Index, NodeId } from '../../consensus/ids.js'
import { check } from './violation.js'

export class ReadIndexChecker {
  /** By node, and by the read's number in its present life: what was committed anywhere when it was asked. */
  readonly #asked = new Map<NodeId, Map<number, Index>>()

  started(id: NodeId): void {
    this.#asked.set(id, new Map())
  }

  /** `committed`: the highest index that was committed anywhere, before this step. */
  stepped(
    id: NodeId,
    committed: Index,
    input: Input<unknown>,
    effects: readonly Effect<unknown, unknown>[],
  ): void {
    const asked = this.#asked.get(id)
    if (asked === undefined) return
    if (input.type === 'Read') asked.set(input.id.number, committed)
    if (asked.size === 0) return
    for (const effect of effects) {
      if (effect.type !== 'Answer' || !('number' in effect.id)) continue
      const { number } = effect.id
      const least = asked.get(number) ?? 0
      asked.delete(number)
      const { outcome } = effect
      if (outcome.type !== 'ReadReady') continue
      check(
        outcome.index >= least,
        'read-index',
        () => `${id} reads at ${outcome.index} what was asked when ${least} was committed`,
      )
    }
  }
}
