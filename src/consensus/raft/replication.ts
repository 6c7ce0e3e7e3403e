/**
 * What becomes of AppendEntries and of its answers (§5.3): conflicts are found by hints that skip whole terms both ways.
 */
import { assert, present } from '../../base/assert.js'
import type { Index, NodeId } from '../ids.js'
import { sendAppend, tellOwedNews } from './append-entries.js'
import { advanceCommit, commitTo } from './commitment.js'
import * as Log from './log.js'
import { configurationsAppended, configurationsTruncated } from './membership.js'
import type { AppendEntries, AppendEntriesReply, EntryId } from './messages.js'
import * as Progress from './progress.js'
import { confirmReads } from './reads.js'
import { fillHoles, noteIfHealed } from './repair.js'
import type { RaftOut, State } from './state.js'
import { hearTime } from './time.js'
import { maybeSendTimeoutNow } from './transfer.js'

/** AppendEntries, receiver side (§5.3). `step` has reconciled the terms and knows `from` as leader. */
export function onAppendEntries(s: State, from: NodeId, m: AppendEntries, out: RaftOut): void {
  assert(m.term === s.term && s.role.type === 'follower')
  hearTime(s, { term: m.term, time: m.agreedTime })
  const reply = {
    type: 'AppendEntriesReply',
    term: s.term,
    round: m.round,
    incarnation: s.incarnation,
  } as const
  for (const id of [m.prev, ...m.entries]) assertAgreesWithCommitted(s, id)
  // What is committed here is in the leader's log too (§5.4): no need to look further back.
  if (m.prev.index < s.commitIndex && m.prev.index + m.entries.length <= s.commitIndex) {
    out.send(from, { ...reply, accepted: true, matchIndex: s.commitIndex })
    out.note({ rule: '§5.3', event: 'append-below-commit', peer: from, index: m.prev.index })
    return
  }
  // Reply false if the log has no entry at prevLogIndex whose term matches prevLogTerm (§5.3).
  const known = m.prev.index < s.commitIndex || Log.hasEntry(s.log, m.prev)
  // At and behind the first hole we have nothing: as if the log ended before it, so that the leader sends what stands there.
  if (!known || m.prev.index >= Log.firstMissing(s.log) || s.log.lostBase !== null) {
    const hint = hintFor(s, m.prev)
    out.send(from, { ...reply, accepted: false, rejected: m.prev.index, hint })
    out.note({ rule: '§5.3', event: 'append-rejected', peer: from, index: m.prev.index })
    return
  }
  appendFromLeader(s, m, out)
  // min(leaderCommit, index of last new entry): behind it our log may still differ from the leader's.
  const lastNew = m.prev.index + m.entries.length
  commitTo(s, Math.min(m.leaderCommit, lastNew), out)
  out.send(from, { ...reply, accepted: true, matchIndex: Math.max(lastNew, s.commitIndex) })
}

/** The last entry that could match, and that we have. Of a node without a base: nothing does. */
function hintFor(s: State, prev: EntryId): EntryId {
  if (s.log.lostBase !== null) return { index: 0, term: 0 }
  const index = Math.min(prev.index, Log.firstMissing(s.log) - 1)
  return Log.lastPossibleMatch(s.log, { index, term: prev.term })
}

/** Leader Completeness (§5.4): a leader that contradicts what is committed shows a log gone bad; stop, do not follow. */
function assertAgreesWithCommitted(s: State, id: EntryId): void {
  if (id.index > s.commitIndex) return
  const term = Log.termAt(s.log, id.index)
  assert(term === null || term === id.term, 'a committed entry never conflicts')
}

/**
 * Appends what is new. Truncates only from the first conflicting entry on: a shorter message is an old one, and
 * dropping what follows would lose entries already acknowledged (§5.3).
 */
function appendFromLeader(s: State, m: AppendEntries, out: RaftOut): void {
  fillHoles(s, m.entries, out)
  const firstNew = m.entries.findIndex(
    (entry) => entry.index > s.commitIndex && !Log.hasEntry(s.log, entry),
  )
  if (firstNew < 0) return
  const entries = m.entries.slice(firstNew)
  const first = present(entries[0])
  if (first.index <= Log.lastIndex(s.log)) {
    Log.truncate(s.log, first.index - 1)
    configurationsTruncated(s, first.index - 1)
    s.durableIndex = Math.min(s.durableIndex, first.index - 1)
    out.note({ rule: '§5.3', event: 'log-truncated', index: first.index })
    noteIfHealed(s, out)
  }
  const batch = out.persist({ type: 'Append', entries })
  Log.append(s.log, entries, batch)
  configurationsAppended(s, entries)
}

/** The leader hears of a match or of a conflict (§5.3). `step` has reconciled the terms. */
export function onAppendEntriesReply(
  s: State,
  from: NodeId,
  m: AppendEntriesReply,
  out: RaftOut,
): void {
  assert(m.term === s.term)
  if (s.role.type !== 'leader') return
  const p = s.role.progress.get(from)
  if (p === undefined) {
    out.note({ rule: '§6', event: 'stale-reply', peer: from })
    return
  }
  if (m.round < p.sessionRound) {
    out.note({ rule: '§5.3', event: 'stale-reply', peer: from, detail: 'earlier incarnation' })
    return
  }
  p.recentActive = true
  if (p.incarnation !== null && p.incarnation !== m.incarnation)
    return beginSession(s, from, m.incarnation, out)
  p.incarnation = m.incarnation
  p.round = Math.max(p.round, m.round)
  if (m.accepted) onAccepted(s, from, p, m.matchIndex, out)
  else onRejected(s, from, p, m, out)
  confirmReads(s, out)
}

/**
 * A peer that restarted may have lost what it had not promised; what we sent is gone with its connections. Its
 * acknowledgements start anew, with answers to what is sent from now on. Which of two incarnations is the newer
 * cannot be seen, so the answer that shows a change counts for nothing itself:
 * 1. B acknowledges 9 and restarts; its disk gives back 1..7. 2. We hear of the new B. 3. The acknowledgement of the
 * old one arrives late: counted, it would commit 8 and 9, which B does not have.
 * commitIndex does not fall: what was counted had been on disk.
 */
function beginSession(s: State, from: NodeId, incarnation: number, out: RaftOut): void {
  assert(s.role.type === 'leader')
  const p = present(s.role.progress.get(from), 'progress')
  s.role.round++
  p.sessionRound = s.role.round
  p.incarnation = incarnation
  p.matchIndex = 0
  Progress.becomeProbe(p, Log.lastIndex(s.log) + 1)
  out.note({ rule: '§5.3', event: 'peer-restarted', peer: from })
  sendAppend(s, from, out)
}

function onAccepted(
  s: State,
  from: NodeId,
  p: Progress.Progress,
  matchIndex: Index,
  out: RaftOut,
): void {
  assert(matchIndex <= Log.lastIndex(s.log), 'a follower of this term has no more than its leader')
  const news = Progress.acknowledged(p, matchIndex)
  if (p.state === 'probe') {
    Progress.becomeReplicate(p)
    out.note({ rule: '§5.3', event: 'progress-replicate', peer: from, index: p.nextIndex })
  } else if (p.state === 'snapshot' && p.matchIndex >= p.pendingSnapshot) {
    Progress.becomeProbe(p, p.matchIndex + 1)
    out.note({ rule: '§7', event: 'progress-probe', peer: from, index: p.nextIndex })
  }
  if (news) advanceCommit(s, out)
  if (s.role.type !== 'leader') return
  sendAppend(s, from, out)
  if (news) tellOwedNews(s, s.role, out)
  maybeSendTimeoutNow(s, out)
}

function onRejected(
  s: State,
  from: NodeId,
  p: Progress.Progress,
  m: AppendEntriesReply & { accepted: false },
  out: RaftOut,
): void {
  // Answers come late, twice and out of order: one that contradicts a later match is old news.
  const stale =
    p.state === 'snapshot' ||
    m.rejected <= p.matchIndex ||
    (p.state === 'probe' && m.rejected !== p.nextIndex - 1)
  if (stale) {
    out.note({ rule: '§5.3', event: 'stale-reply', peer: from, index: m.rejected })
    return
  }
  // The last of our entries that could match the peer's hint: again whole terms are skipped.
  const match = Log.lastPossibleMatch(s.log, m.hint)
  const next = Math.min(m.rejected, Math.min(match.index, m.hint.index) + 1)
  Progress.becomeProbe(p, next)
  out.note({ rule: '§5.3', event: 'progress-probe', peer: from, index: p.nextIndex })
  sendAppend(s, from, out)
}
