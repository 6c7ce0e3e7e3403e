/** Who hears its leader wants no other, and no term rises for one: a node that lost touch disturbs nobody (thesis §4.2.3). */
import type { Effect, Input } from '../../consensus/contract.js'
import type { NodeId } from '../../consensus/ids.js'
import type { Before } from '../../consensus/raft/invariants.js'
import type { Message } from '../../consensus/raft/messages.js'
import { check } from './violation.js'

export function checkStickiness(
  id: NodeId,
  { before, term }: { readonly before: Before; readonly term: number },
  input: Input<Message>,
  effects: readonly Effect<Message, unknown>[],
): void {
  if (input.type !== 'Receive') return
  const { message, from } = input
  const asked = message.type === 'PreVote'
  check(
    term === before.term || !asked,
    'pre-vote-term',
    () => `${id} went to term ${term} for a pre-vote of ${from}: nobody has begun it`,
  )
  // A vote of the present term may be told again.
  if (!before.hearsLeader || message.term <= before.term) return
  if (!asked && (message.type !== 'RequestVote' || message.transfer)) return
  const granted = effects.some(
    (effect) =>
      effect.type === 'Send' &&
      (effect.message.type === 'PreVoteReply' || effect.message.type === 'RequestVoteReply') &&
      effect.message.voteGranted,
  )
  check(
    term === before.term && !granted,
    'leader-stays',
    () => `${id} hears the leader of term ${before.term}, and gives in to ${from}`,
  )
}
