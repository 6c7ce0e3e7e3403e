/** What clients ask: appended where this node leads, handed on or refused where it does not. */
import type { Request } from '../contract.js'
import type { NodeId } from '../ids.js'
import { appendOwn, broadcastAppend, requestBytes } from './append-entries.js'
import * as Log from './log.js'
import type { Forward } from './messages.js'
import { type Leader, leaderOf, type RaftOut, type State } from './state.js'
import { leaderTime } from './time.js'

const TOO_MANY = 'too many uncommitted requests'

/** From our own clients. */
export function onPropose(
  s: State,
  requests: readonly Request[],
  forward: boolean,
  out: RaftOut,
): void {
  if (s.role.type === 'leader') {
    const { refused, reason } = propose(s, s.role, requests, out)
    for (const id of refused) out.answer(id, { type: 'Overloaded', reason })
    return noteRefused(refused, reason, out)
  }
  const leader = leaderOf(s)
  if (!forward || leader === null) {
    for (const id of requests) out.answer(id, { type: 'NotLeader', leader })
    return
  }
  out.note({ rule: 'PROTOCOL 2', event: 'requests-forwarded', peer: leader })
  for (const part of inBatches(s, requests))
    out.send(leader, { type: 'Forward', term: s.term, requests: part })
}

/** What a follower's clients ask. Refused here means dropped: the follower asks again, or gives up. */
export function onForward(s: State, from: NodeId, m: Forward, out: RaftOut): void {
  if (s.role.type !== 'leader') {
    out.note({ rule: 'PROTOCOL 2', event: 'forward-dropped', peer: from })
    return
  }
  const { refused, reason } = propose(s, s.role, m.requests, out)
  if (refused.length < m.requests.length) s.role.owedNews.set(from, Log.lastIndex(s.log))
  noteRefused(refused, reason, out)
}

function noteRefused(refused: readonly Request[], reason: string, out: RaftOut): void {
  if (refused.length > 0)
    out.note({ rule: 'PROTOCOL 2', event: 'proposal-refused', detail: reason })
}

/** Appends the requests in entries of bounded size and sends them to all followers in parallel (§5.3). */
function propose(
  s: State,
  leader: Leader,
  requests: readonly Request[],
  out: RaftOut,
): { readonly refused: readonly Request[]; readonly reason: string } {
  const full = refusal(s, leader)
  const reason = full ?? TOO_MANY
  const room = full === null ? s.options.uncommittedRequestsMax - leader.uncommitted.requests : 0
  const refused = requests.slice(room)
  if (room === 0) return { refused, reason }
  for (const batch of inBatches(s, requests.slice(0, room))) appendOwn(s, batch, out)
  broadcastAppend(s, out)
  return { refused, reason }
}

function inBatches(s: State, requests: readonly Request[]): Request[][] {
  const { entryBytesMax, entryRequestsMax } = s.options
  const batches: Request[][] = []
  let batch: Request[] = []
  let bytes = 0
  for (const request of requests) {
    const size = requestBytes(request)
    if (batch.length >= entryRequestsMax || (batch.length > 0 && bytes + size > entryBytesMax)) {
      batches.push(batch)
      batch = []
      bytes = 0
    }
    batch.push(request)
    bytes += size
  }
  if (batch.length > 0) batches.push(batch)
  return batches
}

/** Why nothing can be proposed now; null: it can. */
function refusal(s: State, leader: Leader): string | null {
  if (leader.transfer !== null) return 'leadership is being transferred'
  if (leader.uncommitted.requests >= s.options.uncommittedRequestsMax) return TOO_MANY
  if (leader.uncommitted.bytes >= s.options.uncommittedBytesMax) return 'too many uncommitted bytes'
  const behind = Log.lastIndex(s.log) - Log.snapshotIndex(s.log)
  if (behind >= 2 * s.options.snapshotEntries + leader.progress.size)
    return 'the log has grown to twice the snapshot threshold'
  if (s.appliedBytesSinceSnapshot >= 2 * s.options.snapshotBytes)
    return 'the log has grown to twice the snapshot threshold'
  return null
}

/**
 * An empty entry whose time lets the machine expire what is due, in an idle cluster too. One in flight, and not
 * more often than the bound.
 */
export function proposeTimedBatch(s: State, leader: Leader, out: RaftOut): void {
  if (s.nextDeadline === null || leader.timedBatch.index > s.lastApplied) return
  // Whatever is appended now, the successor must have before it may campaign: it expires what is due.
  if (leader.transfer !== null) return
  const time = leaderTime(s, leader)
  if (time < s.nextDeadline || time - leader.timedBatch.time < s.options.timedBatchMsMin) return
  const entry = appendOwn(s, [], out)
  leader.timedBatch = { index: entry.index, time }
  out.note({ rule: 'PROTOCOL 3', event: 'timed-batch', index: entry.index })
  broadcastAppend(s, out)
}
