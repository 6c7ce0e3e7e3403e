/**
 * The leader's side of AppendEntries (§5.3): its own entries, and what each peer is sent of them, pipelined within a
 * window, the leader's disk write beside its followers'.
 */
import { assert, present } from '../../base/assert.js'
import type { Configuration, Request } from '../contract.js'
import type { NodeId } from '../ids.js'
import * as Log from './log.js'
import { configurationsAppended } from './membership.js'
import type { AppendEntries, LogEntry } from './messages.js'
import * as Progress from './progress.js'
import { sendSnapshot } from './snapshot.js'
import type { Leader, RaftOut, State } from './state.js'
import { hearTime, leaderTime } from './time.js'

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

/**
 * A follower whose clients wait hears of the commit at once, and not with the next entries or tick: alone, they would
 * wait a tick for nothing.
 */
export function tellOwedNews(s: State, leader: Leader, out: RaftOut): void {
  for (const [peer, index] of leader.owedNews) {
    const p = leader.progress.get(peer)
    if (p === undefined || s.commitIndex < index || p.matchIndex < index) continue
    leader.owedNews.delete(peer)
    if (p.state === 'replicate' && p.sentCommit < index) sendHeartbeat(s, peer, out)
  }
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
