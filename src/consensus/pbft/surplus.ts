/**
 * Votes of which this replica would make nothing were they genuine: what they say is settled here. Of the votes of an index
 * all but Q come too late to matter, and a host need not verify those; none of them may reach the core. What contradicts
 * a vote that is held, or what is settled, is never surplus: it is evidence.
 */
import type { NodeId } from '../ids.js'
import type { Commit, Message, Prepare, SlotId } from './messages.js'
import { quorum } from './quorum.js'
import type { Slot } from './slot.js'
import type { State } from './state.js'

export function surplusVote(s: State, m: Message): Prepare | Commit | null {
  if (m.type !== 'Prepare' && m.type !== 'Commit') return null
  const slot = s.slots.get(m.index)
  if (slot === undefined || m.epoch !== s.epoch || !s.replicas.includes(m.sender)) return null
  const votes: ReadonlyMap<NodeId, Prepare | Commit> =
    m.type === 'Prepare' ? slot.prepares : slot.commits
  const held = votes.get(m.sender)
  if (held !== undefined && held.view === m.view) return held.digest === m.digest ? m : null
  return (m.type === 'Prepare' ? isPrepared(s, slot, m) : isCommitted(s, slot, m)) ? m : null
}

/** Or will be once our own vote, which is said and counts when it is on disk, is counted. */
function isPrepared(s: State, slot: Slot, m: Prepare): boolean {
  const { prepared, proposed } = slot
  if (prepared !== null && isSame(prepared.proposed, m)) return true
  if (proposed === null || !isSame(proposed, m)) return false
  const own = slot.preparedIn === m.view && !s.mute ? 1 : 0
  // The primary's vote is its proposal.
  const others = othersOf(slot.prepares, m, [s.id, proposed.sender])
  return own + others >= quorum(s.replicas.length) - 1
}

/** Likewise. A batch that is committed stays so in every view. */
function isCommitted(s: State, slot: Slot, m: Commit): boolean {
  const { committed, proposed } = slot
  if (committed !== null) return committed[0]?.digest === m.digest
  // A mute replica is prepared, and says nothing.
  const said = slot.committedIn === m.view && !s.mute && proposed !== null && isSame(proposed, m)
  return (said ? 1 : 0) + othersOf(slot.commits, m, [s.id]) >= quorum(s.replicas.length)
}

function othersOf(
  votes: ReadonlyMap<NodeId, Prepare | Commit>,
  m: SlotId,
  but: readonly NodeId[],
): number {
  let count = 0
  for (const vote of votes.values()) if (isSame(vote, m) && !but.includes(vote.sender)) count++
  return count
}

function isSame(a: SlotId, b: SlotId): boolean {
  return a.view === b.view && a.digest === b.digest
}
