/**
 * Replication (§5.3) and commitment (§5.4.2): pipelined within a window, the leader's disk write beside its
 * followers', conflicts found by hints that skip whole terms both ways.
 */
import { assert, present } from '../../base/assert.js'
import type { Configuration, Request } from '../contract.js'
import type { Index, NodeId } from '../ids.js'
import { committedIndex } from '../quorum.js'
import * as Log from './log.js'
import { configurationsAppended, configurationsTruncated } from './membership.js'
import type { AppendEntries, AppendEntriesReply, EntryId, LogEntry } from './messages.js'
import * as Progress from './progress.js'
import { confirmReads, onReadableCommit } from './reads.js'
import { fillHoles, noteIfHealed } from './repair.js'
import { maybeTakeSnapshot, sendSnapshot } from './snapshot.js'
import { configurationOf, type Leader, type RaftOut, type State } from './state.js'
import { hearTime, leaderTime } from './time.js'
import { maybeSendTimeoutNow } from './transfer.js'

/** Entries handed to the machine in one Apply, so that no step builds an unbounded effect. */
const APPLY_ENTRIES_MAX = 1024

/** Encoded length of a request beside its command: three varints and a length. */
const REQUEST_OVERHEAD_BYTES = 16
const ENTRY_OVERHEAD_BYTES = 32

export function requestBytes(request: Request): number {
  return request.command.length + REQUEST_OVERHEAD_BYTES
}

/** Appends one entry of the own term (§5.3); the caller broadcasts. */
export function appendOwn(
  s: State,
  requests: readonly Request[],
  out: RaftOut,
  configuration: Configuration | null = null,
): LogEntry {
  assert(s.role.type === 'leader', 'only a leader numbers entries')
  const time = leaderTime(s, s.role)
  hearTime(s, { term: s.term, time })
  let sizeBytes = ENTRY_OVERHEAD_BYTES
  for (const request of requests) sizeBytes += requestBytes(request)
  const entry: LogEntry = {
    index: Log.lastIndex(s.log) + 1,
    term: s.term,
    time,
    requests,
    configuration,
    sizeBytes,
  }
  const batch = out.persist({ type: 'Append', entries: [entry] })
  Log.append(s.log, [entry], batch)
  configurationsAppended(s, [entry])
  s.role.uncommitted.requests += requests.length
  s.role.uncommitted.bytes += sizeBytes
  return entry
}

export function broadcastAppend(s: State, out: RaftOut): void {
  assert(s.role.type === 'leader')
  for (const peer of s.role.progress.keys()) sendAppend(s, peer, out)
}

/** Sends what the peer's state and window allow; nothing if there is nothing to say. */
export function sendAppend(s: State, to: NodeId, out: RaftOut): void {
  assert(s.role.type === 'leader')
  const p = present(s.role.progress.get(to), 'progress')
  if (p.state === 'snapshot') return
  if (p.state === 'probe') {
    if (p.probeSent) return
    if (needsSnapshot(s, p)) return sendSnapshot(s, to, p, out)
    p.probeSent = true
    sendEntries(s, to, p, nextEntries(s, p), out)
    return
  }
  const window = { messages: s.options.inflightMessagesMax, bytes: s.options.inflightBytesMax }
  while (p.nextIndex <= Log.lastIndex(s.log)) {
    if (!Progress.windowOpen(p, window)) {
      out.note({ rule: '§5.3', event: 'window-full', peer: to, index: p.nextIndex })
      return
    }
    if (needsSnapshot(s, p)) return sendSnapshot(s, to, p, out)
    const entries = nextEntries(s, p)
    const bytes = entries.reduce((sum, entry) => sum + entry.sizeBytes, 0)
    sendEntries(s, to, p, entries, out)
    Progress.sent(p, present(entries.at(-1)).index, bytes)
  }
}

/**
 * An empty AppendEntries: heartbeat, commit news and round of reads in one (§5.2). To a probed peer it is the probe once
 * more, without entries: its answer leads on as well, and one that is away is not sent the same megabyte ten
 * times a second.
 */
export function sendHeartbeat(s: State, to: NodeId, out: RaftOut): void {
  assert(s.role.type === 'leader')
  const p = present(s.role.progress.get(to), 'progress')
  // While a snapshot travels nothing is known of the peer's log but that the empty prefix matches.
  if (p.state === 'snapshot' || needsSnapshot(s, p)) {
    if (p.state !== 'snapshot') sendSnapshot(s, to, p, out)
    sendFrom(s, to, p, { prev: { index: 0, term: 0 }, entries: [] }, out)
    return
  }
  sendEntries(s, to, p, [], out)
}

function needsSnapshot(s: State, p: Progress.Progress): boolean {
  return Log.termAt(s.log, p.nextIndex - 1) === null
}

function nextEntries(s: State, p: Progress.Progress): LogEntry[] {
  const { appendBytesMax, appendEntriesMax } = s.options
  const entries: LogEntry[] = []
  let bytes = 0
  for (let index = p.nextIndex; index <= Log.lastIndex(s.log); index++) {
    const entry = Log.entryAt(s.log, index)
    bytes += entry.sizeBytes
    if (entries.length > 0 && (bytes > appendBytesMax || entries.length >= appendEntriesMax)) break
    entries.push(entry)
  }
  return entries
}

function sendEntries(
  s: State,
  to: NodeId,
  p: Progress.Progress,
  entries: readonly LogEntry[],
  out: RaftOut,
): void {
  const prevIndex = p.nextIndex - 1
  const term = present(Log.termAt(s.log, prevIndex), 'term of prev')
  sendFrom(s, to, p, { prev: { index: prevIndex, term }, entries }, out)
}

function sendFrom(
  s: State,
  to: NodeId,
  p: Progress.Progress,
  part: Pick<AppendEntries, 'prev' | 'entries'>,
  out: RaftOut,
): void {
  assert(s.role.type === 'leader')
  p.sentCommit = s.commitIndex
  out.send(to, {
    type: 'AppendEntries',
    term: s.term,
    ...part,
    leaderCommit: s.commitIndex,
    round: s.role.round,
    agreedTime: leaderTime(s, s.role),
  })
}

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

/**
 * The last index up to which every entry's own batch is on disk. Batches, not indices: 1. batch 10 holds 5..7 of
 * term 3; 2. they are truncated, batch 11 holds 5 and 6 of term 4; 3. Persisted{10} must vouch for none of them.
 */
export function advanceDurable(s: State): void {
  const { log } = s
  if (log.lostBase !== null) return
  const end = Math.min(Log.lastIndex(log), Log.firstMissing(log) - 1)
  let index = Math.max(s.durableIndex, log.offset.index)
  while (index < end) {
    const batch = present(log.batches[index - log.offset.index], 'batch')
    if (batch > s.persistedBatch) break
    index++
  }
  s.durableIndex = index
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

/**
 * A follower whose clients wait hears of the commit at once, and not with the next entries or tick: alone, they would
 * wait a tick for nothing.
 */
function tellOwedNews(s: State, leader: Leader, out: RaftOut): void {
  for (const [peer, index] of leader.owedNews) {
    const p = leader.progress.get(peer)
    if (p === undefined || s.commitIndex < index || p.matchIndex < index) continue
    leader.owedNews.delete(peer)
    if (p.state === 'replicate' && p.sentCommit < index) sendHeartbeat(s, peer, out)
  }
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

/**
 * Commits by counting only an entry of the own term (§5.4.2, Figure 8): an older one on a majority may still be
 * overwritten; it commits with the first own entry behind it. The leader counts itself by what is on its disk.
 */
export function advanceCommit(s: State, out: RaftOut): void {
  assert(s.role.type === 'leader')
  const { progress } = s.role
  const index = committedIndex(configurationOf(s), (id) =>
    id === s.id ? s.durableIndex : (progress.get(id)?.matchIndex ?? 0),
  )
  if (index <= s.commitIndex || Log.termAt(s.log, index) !== s.term) return
  commitTo(s, index, out)
  onReadableCommit(s, out)
  tellOwedNews(s, s.role, out)
}

/** commitIndex only rises; what it passes is applied in order. */
export function commitTo(s: State, index: Index, out: RaftOut): void {
  if (index <= s.commitIndex) return
  assert(index <= Log.lastIndex(s.log), 'only what is in the log commits')
  s.commitIndex = index
  out.note({ rule: '§5.3', event: 'committed', index })
  applyCommitted(s, out)
}

export function applyCommitted(s: State, out: RaftOut): void {
  while (s.lastApplied < s.commitIndex) {
    const through = Math.min(s.commitIndex, s.lastApplied + APPLY_ENTRIES_MAX)
    const entries = Log.slice(s.log, s.lastApplied, through)
    assert(entries.length === through - s.lastApplied, 'committed entries are in memory')
    out.apply(entries)
    s.lastApplied = through
    for (const entry of entries) {
      s.appliedBytesSinceSnapshot += entry.sizeBytes
      if (s.role.type === 'leader' && entry.term === s.term) {
        s.role.uncommitted.requests -= entry.requests.length
        s.role.uncommitted.bytes -= entry.sizeBytes
      }
    }
  }
  maybeTakeSnapshot(s, out)
}
