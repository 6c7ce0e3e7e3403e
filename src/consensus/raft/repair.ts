/**
 * A damaged log is healed from the peers, leader or not (docs/decisions/0004). While something is missing, this node
 * asks one peer after the other for the entries by index and term, and for a snapshot if its own is lost. Whatever
 * it is asked by others it answers in any role, healthy or not, with what it has.
 *
 * Invariant: nothing at or behind the first missing entry is acknowledged, committed or applied here.
 */
import type { Index, NodeId } from '../ids.js'
import { replicaIds } from '../quorum.js'
import * as Log from './log.js'
import { configurationsIn } from './membership.js'
import type { EntryId, FetchEntries, FetchEntriesReply, LogEntry } from './messages.js'
import * as Progress from './progress.js'
import type { Repair } from './repair-state.js'
import { takeSnapshot } from './snapshot.js'
import { configurationOf, type RaftOut, type State } from './state.js'
import { hearTime } from './time.js'

/** Asked for at once; the answer is bounded in bytes as an AppendEntries is. */
const WANTED_MAX = 64

/** Election timeouts without a leader before what nobody has is called lost. */
const HOPELESS_TIMEOUTS = 10

/** Election timeouts after which a snapshot that was asked for is sent again. */
const SNAPSHOT_TIMEOUTS = 10

const RULE = 'PROTOCOL 9'

/** Entries that stand where holes of ours are, from whomever: one index and term is one entry (Log Matching, §5.3). */
export function fillHoles(s: State, entries: readonly LogEntry[], out: RaftOut): number {
  if (s.repair === null) return 0
  const found = Log.fillable(s.log, entries)
  const first = found[0]
  if (first === undefined) return 0
  const batch = out.persist({ type: 'Filled', entries: found })
  Log.fill(s.log, found, batch)
  for (const entry of found) hearTime(s, entry)
  if (found.some((entry) => entry.configuration !== null))
    s.configurations = configurationsIn(s.log)
  const detail = counted(found.length)
  out.note({ rule: RULE, event: 'entries-filled', index: first.index, detail })
  noteIfHealed(s, out)
  return found.length
}

/** Whatever removed the last hole: an entry, a snapshot, or a leader that overwrote it. */
export function noteIfHealed(s: State, out: RaftOut): void {
  if (s.repair === null || !Log.isWhole(s.log)) return
  s.repair = null
  out.note({ rule: RULE, event: 'log-healed', index: Log.lastIndex(s.log) })
}

/** At a start: what recovery found to be missing. */
export function noteDamage(s: State, out: RaftOut): void {
  if (s.repair === null) return
  const detail = s.log.lostBase === null ? counted(s.log.holes.length) : 'what its snapshot covers'
  out.note({ rule: RULE, event: 'log-damaged', index: Log.firstMissing(s.log), detail })
}

export function tickRepair(s: State, out: RaftOut): void {
  for (const [peer, sent] of s.snapshotsOut) if (--sent.ticks <= 0) s.snapshotsOut.delete(peer)
  const { repair } = s
  if (repair === null) return
  repair.silentTicks++
  // It never campaigns, so that nothing else makes it forget a leader that is gone.
  const silent = repair.silentTicks >= 2 * s.options.electionTicks
  if (silent && s.role.type === 'follower') s.role.leader = null
  giveUp(s, repair, out)
  repair.askElapsed++
  if (repair.askElapsed < repair.askTicks) return
  repair.askElapsed = 0
  repair.askTicks = Math.min(2 * repair.askTicks, s.options.electionTicks)
  const peers = otherMembers(s)
  const peer = peers[repair.asked % Math.max(1, peers.length)]
  repair.asked++
  if (peer !== undefined) ask(s, repair, peer, out)
}

/** Every other member has said that it does not have it, and nobody leads who could overwrite it. */
function giveUp(s: State, repair: Repair, out: RaftOut): void {
  if (repair.hopeless || repair.silentTicks < HOPELESS_TIMEOUTS * s.options.electionTicks) return
  const missing = firstWanted(s)
  if (!otherMembers(s).every((peer) => repair.absent.get(peer) === missing)) return
  repair.hopeless = true
  out.note({ rule: RULE, event: 'repair-hopeless', index: Log.firstMissing(s.log) })
}

function ask(s: State, repair: Repair, peer: NodeId, out: RaftOut): void {
  const wanted = wantedNow(s, repair)
  const snapshotAtLeast = s.log.lostBase === null ? 0 : s.log.offset.index
  out.send(peer, { type: 'FetchEntries', term: s.term, wanted, snapshotAtLeast })
  const missing = Log.firstMissing(s.log)
  if (repair.noted === missing) return
  repair.noted = missing
  out.note({ rule: RULE, event: 'entries-wanted', peer, index: missing })
}

/** The first hole, and of the others a window that moves on when everybody was asked: some may be nowhere. */
function wantedNow(s: State, repair: Repair): EntryId[] {
  const { holes } = s.log
  const room = WANTED_MAX - 1
  const rounds = Math.floor(repair.asked / Math.max(1, otherMembers(s).length))
  const from = 1 + ((rounds * room) % Math.max(1, holes.length - 1))
  const chosen =
    holes.length <= WANTED_MAX ? holes : [...holes.slice(0, 1), ...holes.slice(from, from + room)]
  return chosen.map((index) => ({ index, term: Log.termAt(s.log, index) ?? 0 }))
}

/** A peer lost what it asks for. Any role answers, with entries of the very index and term and with nothing else. */
export function onFetchEntries(s: State, from: NodeId, m: FetchEntries, out: RaftOut): void {
  const entries: LogEntry[] = []
  const absent: EntryId[] = []
  let bytes = 0
  let snapshotFrom = m.snapshotAtLeast
  for (const id of m.wanted.slice(0, WANTED_MAX)) {
    if (Log.hasContent(s.log, id)) {
      const entry = Log.entryAt(s.log, id.index)
      bytes += entry.sizeBytes
      if (entries.length === 0 || bytes <= s.options.appendBytesMax) entries.push(entry)
    } else if (id.index <= Log.snapshotIndex(s.log)) snapshotFrom = Math.max(snapshotFrom, id.index)
    else absent.push(id)
  }
  const snapshotAbsent =
    snapshotFrom > 0 && !offerSnapshot(s, { to: from, least: snapshotFrom }, out)
  out.send(from, {
    type: 'FetchEntriesReply',
    term: s.term,
    incarnation: s.incarnation,
    entries,
    absent,
    snapshotAbsent,
  })
  if (entries.length === 0) return
  const detail = `${entries.length} of ${m.wanted.length}`
  out.note({ rule: RULE, event: 'entries-served', peer: from, detail })
}

/** Sends a snapshot that reaches so far, or takes one first and sends it when asked again. False: neither can be. */
function offerSnapshot(s: State, wish: { to: NodeId; least: Index }, out: RaftOut): boolean {
  const { snapshot } = s.log
  if (snapshot === null || snapshot.index < wish.least) {
    if (s.lastApplied < wish.least) return false
    if (s.takingSnapshot === null && s.snapshotRetryTicks === 0) takeSnapshot(s, out)
    return true
  }
  const p = s.role.type === 'leader' ? s.role.progress.get(wish.to) : undefined
  const sending = p?.state === 'snapshot' ? p.pendingSnapshot : 0
  if (Math.max(sending, s.snapshotsOut.get(wish.to)?.index ?? 0) >= wish.least) return true
  if (p !== undefined) Progress.becomeSnapshot(p, snapshot.index)
  const ticks = SNAPSHOT_TIMEOUTS * s.options.electionTicks
  s.snapshotsOut.set(wish.to, { index: snapshot.index, ticks })
  out.sendSnapshot(wish.to, snapshot)
  out.note({ rule: RULE, event: 'progress-snapshot', peer: wish.to, index: snapshot.index })
  return true
}

export function onFetchEntriesReply(
  s: State,
  from: NodeId,
  m: FetchEntriesReply,
  out: RaftOut,
): void {
  if (s.repair === null) {
    out.note({ rule: RULE, event: 'stale-reply', peer: from })
    return
  }
  const filled = fillHoles(s, m.entries, out)
  if (s.repair === null) return
  const missing = firstWanted(s)
  const without = missing === 0 ? m.snapshotAbsent : m.absent.some((id) => id.index === missing)
  if (without) s.repair.absent.set(from, missing)
  else s.repair.absent.delete(from)
  // One that has some of it may have more: no need to wait for its turn.
  if (filled === 0) return
  s.repair.askTicks = s.options.heartbeatTicks
  ask(s, s.repair, from, out)
}

/** What stands first of what is missing: the index of a hole, or 0 for the snapshot. */
function firstWanted(s: State): Index {
  return s.log.lostBase === null ? (s.log.holes[0] ?? 0) : 0
}

function otherMembers(s: State): NodeId[] {
  return replicaIds(configurationOf(s)).filter((id) => id !== s.id)
}

function counted(entries: number): string {
  return entries === 1 ? '1 entry' : `${entries} entries`
}
