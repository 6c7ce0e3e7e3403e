/**
 * What a host makes of a message before its core sees it: cheap questions first, then signatures, and what was verified is
 * compared with what the same replicas said before.
 */
import { type Message, type Statement, statementsOf } from '../consensus/pbft/messages.js'
import type { State } from '../consensus/pbft/state.js'
import { surplusVote } from '../consensus/pbft/surplus.js'
import { worthOf, worthOfForward } from '../consensus/pbft/worth.js'
import type { Evidence } from './evidence.js'
import type { Keyring } from './keyring.js'

interface Readers {
  readonly keyring: Keyring
  readonly evidence: Evidence
}

/** Null: a signature is bad. `unneeded`: the core would make nothing of it, whatever it is worth. */
export function readMessage(
  state: State,
  message: Message,
  { keyring, evidence }: Readers,
): Message | null | 'unneeded' {
  const surplus = surplusVote(state, message)
  if (surplus !== null) {
    evidence.putAside(surplus)
    return 'unneeded'
  }
  const worth = worthOf(state, message)
  if (worth === 'none') {
    keepEvidence(state, message, { keyring, evidence })
    return 'unneeded'
  }
  if (worth === 'own') {
    const own = ownOf(message)
    if (own === null || !keyring.verifyStatement(own)) return null
    evidence.hear([own])
    return message
  }
  const rest = message.type === 'Forward' ? worthOfForward(state, message) : message
  const admitted = keyring.admit(rest)
  if (admitted !== null) evidence.hear(statementsOf(admitted))
  return admitted
}

/** What its sender signed, without what it shows of others. */
function ownOf(message: Message): Statement | null {
  if (message.type === 'PrePrepare') return message.proposed
  return message.type === 'NewView' ? message : null
}

/** Who contradicts itself is told to people also where the protocol has moved on. It costs one signature at most. */
function keepEvidence(state: State, message: Message, { keyring, evidence }: Readers): void {
  switch (message.type) {
    case 'Prepare':
    case 'Commit':
      if (state.replicas.includes(message.sender)) evidence.putAside(message)
      return
    case 'PrePrepare':
      if (keyring.verifyStatement(message.proposed)) evidence.hear([message.proposed])
      return
    default:
      return
  }
}
