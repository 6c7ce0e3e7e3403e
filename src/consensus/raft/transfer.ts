/** Leadership transfer (thesis §3.10): stop proposals, bring the successor up to date, tell it to campaign. */
import type { Index, NodeId } from '../ids.js'
import { sendAppend } from './append-entries.js'
import { becomeCandidate, mayCampaign } from './election.js'
import { lastIndex } from './log.js'
import type { TimeoutNow } from './messages.js'
import { configurationOf, type Leader, type RaftOut, type State } from './state.js'

export function onTransferLeadership(s: State, to: NodeId, out: RaftOut): void {
  const voter = configurationOf(s).voters.includes(to)
  if (s.role.type !== 'leader' || !voter || to === s.id) {
    out.note({ rule: 'thesis §3.10', event: 'transfer-refused', peer: to })
    return
  }
  s.role.transfer = { to, elapsed: 0, sent: false }
  out.note({ rule: 'thesis §3.10', event: 'transfer-started', peer: to })
  sendAppend(s, to, out)
  maybeSendTimeoutNow(s, out)
}

/** Only to a successor whose log is as long as ours: it could not win otherwise. */
export function maybeSendTimeoutNow(s: State, out: RaftOut): void {
  if (s.role.type !== 'leader' || s.role.transfer === null || s.role.transfer.sent) return
  const { transfer } = s.role
  if (s.role.progress.get(transfer.to)?.matchIndex !== lastIndex(s.log)) return
  transfer.sent = true
  out.send(transfer.to, { type: 'TimeoutNow', term: s.term })
  out.note({ rule: 'thesis §3.10', event: 'transfer-sent', peer: transfer.to })
}

/** To whoever has most of our log, without waiting: we cannot go on, and nobody else would campaign for a while. */
export function handOff(s: State, leader: Leader, out: RaftOut): void {
  let best: { readonly to: NodeId; readonly matchIndex: Index } | null = null
  for (const to of configurationOf(s).voters) {
    const p = leader.progress.get(to)
    if (p === undefined || p.state === 'snapshot' || p.matchIndex < s.commitIndex) continue
    if (best === null || p.matchIndex > best.matchIndex) best = { to, matchIndex: p.matchIndex }
  }
  if (best === null) return
  out.send(best.to, { type: 'TimeoutNow', term: s.term })
  out.note({ rule: 'thesis §3.10', event: 'transfer-sent', peer: best.to })
}

/** Given up after an election timeout: then we take proposals again. */
export function tickTransfer(s: State, out: RaftOut): void {
  if (s.role.type !== 'leader' || s.role.transfer === null) return
  s.role.transfer.elapsed++
  if (s.role.transfer.elapsed < s.options.electionTicks) return
  out.note({ rule: 'thesis §3.10', event: 'transfer-aborted', peer: s.role.transfer.to })
  s.role.transfer = null
}

/**
 * Campaigns without a pre-vote and over the voters' stickiness: the leader itself asked for it. Not before the first
 * tick: a leader's agreed time moves with its clock from when it was elected, and from a clock that was never
 * read it would leap by all the clock shows, and expire every lease.
 */
export function onTimeoutNow(s: State, from: NodeId, m: TimeoutNow, out: RaftOut): void {
  if (m.term !== s.term || s.role.type !== 'follower' || !mayCampaign(s)) return
  if (s.now === 0) {
    out.note({ rule: 'PROTOCOL 3', event: 'transfer-refused', peer: from, detail: 'no clock yet' })
    return
  }
  out.note({ rule: 'thesis §3.10', event: 'timeout-now', peer: from })
  becomeCandidate(s, { transfer: true }, out)
}
