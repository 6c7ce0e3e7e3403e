/**
 * Snapshots and log compaction (§7). The host writes, sends and receives the files; the core decides when, and what
 * they mean for the log.
 */
import { assert, present } from '../../base/assert.js'
import type { SnapshotMeta } from '../contract.js'
import type { Index, NodeId } from '../ids.js'
import { advanceDurable, applyCommitted } from './commitment.js'
import { becomeFollower } from './election.js'
import * as Log from './log.js'
import { configurationAt, configurationsCompacted, configurationsIn } from './membership.js'
import * as Progress from './progress.js'
import { noteIfHealed } from './repair.js'
import { NO_CONFIGURATION, type RaftOut, type State } from './state.js'
import { hearTime } from './time.js'

/** A snapshot is due when enough was applied since the last one. One at a time. */
export function maybeTakeSnapshot(s: State, out: RaftOut): void {
  if (s.takingSnapshot !== null || s.snapshotRetryTicks > 0) return
  const entries = s.lastApplied - Log.snapshotIndex(s.log)
  const due =
    entries >= s.options.snapshotEntries ||
    (entries > 0 && s.appliedBytesSinceSnapshot >= s.options.snapshotBytes) ||
    (entries > 0 && coversDamage(s, s.lastApplied)) ||
    s.snapshotUnreadable
  if (due) takeSnapshot(s, out)
}

/** A snapshot through here would let the damaged part of the log on disk go. */
function coversDamage(s: State, index: Index): boolean {
  return s.damagedThrough > 0 && Log.isWhole(s.log) && index >= s.damagedThrough
}

/** Of all that is applied. One at a time: the caller has looked. */
export function takeSnapshot(s: State, out: RaftOut): void {
  assert(s.takingSnapshot === null)
  const { snapshot } = s.log
  // One index has one snapshot, but for a file that is lost.
  const again = s.snapshotUnreadable && snapshot?.index === s.lastApplied
  assert(again || s.lastApplied > Log.snapshotIndex(s.log))
  const last = again ? present(snapshot) : Log.entryAt(s.log, s.lastApplied)
  s.takingSnapshot = {
    index: last.index,
    term: last.term,
    time: last.time,
    configuration: configurationAt(s, last.index)?.configuration ?? NO_CONFIGURATION,
    digest: '',
    bytes: 0,
  }
  s.takingSnapshotBytes = s.appliedBytesSinceSnapshot
  out.takeSnapshot(s.takingSnapshot)
}

/** A tick: a snapshot that failed is tried again after a while. */
export function tickSnapshot(s: State, out: RaftOut): void {
  if (s.snapshotRetryTicks === 0) return
  s.snapshotRetryTicks--
  maybeTakeSnapshot(s, out)
}

/** The file is on disk: the log before it may go, but for a tail that slow followers still ask for. */
export function onSnapshotTaken(s: State, snapshot: SnapshotMeta, out: RaftOut): void {
  s.takingSnapshot = null
  const again = s.snapshotUnreadable && snapshot.index === Log.snapshotIndex(s.log)
  if (snapshot.index <= Log.snapshotIndex(s.log) && !again) {
    out.note({ rule: '§7', event: 'snapshot-stale', index: snapshot.index })
    return
  }
  s.log.snapshot = snapshot
  s.snapshotUnreadable = false
  s.appliedBytesSinceSnapshot -= s.takingSnapshotBytes
  out.persist({ type: 'SnapshotTaken', snapshot })
  out.note({ rule: '§7', event: 'snapshot-taken', index: snapshot.index })
  compactLog(s, out)
  maybeTakeSnapshot(s, out)
}

function compactLog(s: State, out: RaftOut): void {
  const { keepEntries, keepBytes } = s.options
  const snapshotIndex = Log.snapshotIndex(s.log)
  if (coversDamage(s, snapshotIndex)) {
    // For once no tail is kept for slow followers: what is damaged on disk lies in it.
    Log.compact(s.log, snapshotIndex)
    s.damagedThrough = 0
  } else Log.compact(s.log, Log.compactionPoint(s.log, keepEntries, keepBytes))
  configurationsCompacted(s, Log.snapshotIndex(s.log))
  out.release(s.log.offset.index)
  out.note({ rule: '§7', event: 'log-compacted', index: s.log.offset.index })
}

export function onSnapshotFailed(
  s: State,
  failed: { snapshot: SnapshotMeta; peer?: NodeId; unreadable?: boolean },
  out: RaftOut,
): void {
  if (failed.peer === undefined) {
    // Not at the next commit: a disk that refuses a snapshot would be asked for one with every entry.
    s.takingSnapshot = null
    s.snapshotRetryTicks = s.options.electionTicks
    out.note({ rule: '§7', event: 'snapshot-failed', index: failed.snapshot.index })
    return
  }
  if (s.snapshotsOut.get(failed.peer)?.index === failed.snapshot.index)
    s.snapshotsOut.delete(failed.peer)
  if (failed.unreadable === true) replaceSnapshot(s, failed.snapshot, out)
  if (s.role.type !== 'leader') return
  const p = s.role.progress.get(failed.peer)
  if (p === undefined || p.state !== 'snapshot' || p.pendingSnapshot !== failed.snapshot.index)
    return
  Progress.becomeProbe(p, p.matchIndex + 1)
  // The next heartbeat tries again: no storm of snapshots to a peer that is away.
  p.probeSent = true
  out.note({ rule: '§7', event: 'snapshot-failed', peer: failed.peer })
}

/**
 * What is in the file is still in the machine, so it is taken anew, at what is applied by now:
 * 1. A leader's snapshot rots on its disk. 2. A peer needs it; each transfer fails, and so does the next. 3. The cluster is
 * idle: nothing is applied that would make another snapshot due, and the peer would never catch up.
 */
function replaceSnapshot(s: State, damaged: SnapshotMeta, out: RaftOut): void {
  if (damaged.index !== Log.snapshotIndex(s.log)) return
  s.snapshotUnreadable = true
  out.note({ rule: '§7', event: 'snapshot-unreadable', index: damaged.index })
  maybeTakeSnapshot(s, out)
}

/** The peer needs entries that the log no longer has. */
export function sendSnapshot(s: State, to: NodeId, p: Progress.Progress, out: RaftOut): void {
  const snapshot = present(s.log.snapshot, 'snapshot behind a compacted log')
  // Not to one that does not answer: it could not take it.
  if (!p.recentActive) return
  Progress.becomeSnapshot(p, snapshot.index)
  out.sendSnapshot(to, snapshot)
  out.note({ rule: '§7', event: 'progress-snapshot', peer: to, index: snapshot.index })
}

/** A peer's snapshot is on our disk, verified. What it covers is committed, whoever sent it, whenever. */
export function onSnapshotReceived(
  s: State,
  from: NodeId,
  snapshot: SnapshotMeta,
  out: RaftOut,
): void {
  // A snapshot may come before any word of the term it is from; no entry may be of a later term than the node.
  if (snapshot.term > s.term) becomeFollower(s, snapshot.term, null, out)
  if (snapshot.index <= s.commitIndex) {
    out.note({ rule: '§7', event: 'snapshot-stale', peer: from, index: snapshot.index })
  } else if (refusal(s, snapshot) !== null) {
    const detail = refusal(s, snapshot) ?? ''
    out.note({ rule: '§7', event: 'snapshot-refused', peer: from, index: snapshot.index, detail })
  } else if (Log.hasEntry(s.log, snapshot) && snapshot.index >= Log.firstMissing(s.log)) {
    adopt(s, snapshot, out)
    out.note({ rule: '§7', event: 'snapshot-installed', peer: from, index: snapshot.index })
  } else if (Log.hasEntry(s.log, snapshot)) {
    // The log reaches that far and agrees: nothing to replace, only to commit.
    s.commitIndex = snapshot.index
    applyCommitted(s, out)
    out.note({ rule: '§7', event: 'snapshot-fast-forward', peer: from, index: snapshot.index })
  } else {
    install(s, snapshot, out)
    out.note({ rule: '§7', event: 'snapshot-installed', peer: from, index: snapshot.index })
  }
  out.send(from, {
    type: 'AppendEntriesReply',
    term: s.term,
    round: 0,
    incarnation: s.incarnation,
    accepted: true,
    matchIndex: s.commitIndex,
  })
}

/** Why a snapshot is not taken although it is newer than what is committed here; null: it is. */
function refusal(s: State, snapshot: SnapshotMeta): string | null {
  // Of a cluster that does not know us: we could never speak in it again.
  if (!snapshot.configuration.members.some((member) => member.id === s.id))
    return 'this node is no member in it'
  // 1. Our snapshot through 30 is lost, 31..40 are in the log and acknowledged. 2. A peer sends its own through 20.
  // Taken, it would drop 31..40; whoever counted on them would be wrong.
  if (s.log.lostBase !== null && snapshot.index < s.log.offset.index)
    return 'it ends before the one that was lost'
  return null
}

/**
 * Fills what is missing up to its index. The log has its last entry, if only by index and term, so that what lies behind
 * goes on from it and stays: it may have been acknowledged.
 */
function adopt(s: State, snapshot: SnapshotMeta, out: RaftOut): void {
  out.persist({ type: 'SnapshotTaken', snapshot })
  Log.rebase(s.log, snapshot)
  s.configurations = configurationsIn(s.log)
  restoreTo(s, snapshot, out)
  advanceDurable(s)
}

/** Discards the whole log, also what lies behind the snapshot: it does not follow from it (§7). */
function install(s: State, snapshot: SnapshotMeta, out: RaftOut): void {
  out.persist({ type: 'SnapshotInstalled', snapshot })
  Log.resetTo(s.log, snapshot)
  s.configurations = [{ index: snapshot.index, configuration: snapshot.configuration }]
  restoreTo(s, snapshot, out)
}

function restoreTo(s: State, snapshot: SnapshotMeta, out: RaftOut): void {
  s.commitIndex = snapshot.index
  s.lastApplied = snapshot.index
  s.durableIndex = snapshot.index
  hearTime(s, snapshot)
  s.appliedBytesSinceSnapshot = 0
  s.takingSnapshotBytes = 0
  s.snapshotUnreadable = false
  out.restore(snapshot)
  out.release(snapshot.index)
  noteIfHealed(s, out)
}
