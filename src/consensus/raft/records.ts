/**
 * What a Raft node writes to its WAL, and the fold that rebuilds the node from it. Every prefix of the records
 * folds to a legal state: within a batch the term comes before entries of that term.
 */
import { assert } from '../../base/assert.js'
import { seededRandom } from '../../base/random.js'
import type { Configuration, Member, Self, SnapshotMeta } from '../contract.js'
import { compareNodeIds, type Index, type NodeId } from '../ids.js'
import * as Log from './log.js'
import { foldFilled, loseSnapshot, reconcile } from './loss.js'
import { configurationsIn } from './membership.js'
import type { LogEntry } from './messages.js'
import type { Options } from './options.js'
import { newRepair } from './repair-state.js'
import type { Shape } from './shape.js'
import { drawElectionTimeout, type State } from './state.js'

/** The full hard state; every segment opens with it, so that deleting old segments deletes no vote. */
export interface StateRecord {
  readonly type: 'State'
  readonly term: number
  readonly votedFor: NodeId | null
  readonly snapshot: SnapshotMeta | null
}

export interface HardState {
  readonly type: 'HardState'
  readonly term: number
  readonly votedFor: NodeId | null
}

/** Entries in order. They replace whatever the log had from the first one's index on. */
export interface Append {
  readonly type: 'Append'
  readonly entries: readonly LogEntry[]
}

/** Our own snapshot is on disk; the log before it may go. */
export interface SnapshotTaken {
  readonly type: 'SnapshotTaken'
  readonly snapshot: SnapshotMeta
}

/** A leader's snapshot replaced the whole log. */
export interface SnapshotInstalled {
  readonly type: 'SnapshotInstalled'
  readonly snapshot: SnapshotMeta
}

/** The cluster was formed: the same first entry on every member. */
export interface Bootstrap {
  readonly type: 'Bootstrap'
  readonly members: readonly Member[]
}

/** Holes that got their content back: the entries of the very index and term. It never truncates. */
export interface Filled {
  readonly type: 'Filled'
  readonly entries: readonly LogEntry[]
}

/** Recovery puts it in the place of a damaged stretch: how the log looked behind it. */
export interface Lost {
  readonly type: 'Lost'
  readonly shape: Shape
}

/** Recovery puts it behind all others: the newest snapshot's file is missing or damaged. */
export interface SnapshotLost {
  readonly type: 'SnapshotLost'
}

export type WalRecord =
  | StateRecord
  | HardState
  | Append
  | SnapshotTaken
  | SnapshotInstalled
  | Bootstrap
  | Filled
  | Lost
  | SnapshotLost

/** Index 1 of every log: the initial members, all of them voters. Committed from the start. */
export function bootstrapEntry(members: readonly Member[]): LogEntry {
  const sorted = [...members].sort((a, b) => compareNodeIds(a.id, b.id))
  const configuration: Configuration = {
    members: sorted,
    voters: sorted.map((member) => member.id),
    votersOutgoing: [],
    learners: [],
    learnersNext: [],
    autoLeave: false,
  }
  return { index: 1, term: 1, time: 0, requests: [], configuration, sizeBytes: 64 * sorted.length }
}

/**
 * Of the entry before the first one, when a suffix of the WAL starts in the middle: the older segments went. No
 * entry has it.
 */
const UNKNOWN_TERM = 0

interface Folded {
  term: number
  votedFor: NodeId | null
  log: Log.Log
  bootstrapped: boolean
  /** The term of the newest Lost; 0 without one. */
  lostTerm: number
}

export function recoverState(records: readonly WalRecord[], self: Self, options: Options): State {
  const folded = fold(records)
  const { log } = folded
  const snapshotIndex = Log.snapshotIndex(log)
  assert(
    log.offset.index <= snapshotIndex || log.lostBase !== null,
    `the log is missing entries ${snapshotIndex + 1} to ${log.offset.index}`,
  )
  assert(
    log.lostBase === null || log.offset.term !== UNKNOWN_TERM,
    'what a lost snapshot covered is not known',
  )
  // What lies before the first entry is not known, but the snapshot covers the entry too: begin behind it.
  if (log.offset.term === UNKNOWN_TERM && log.offset.index > 0)
    Log.compact(log, log.offset.index + 1)
  // What a snapshot covers is not missed.
  const covered = log.holes.findLast((hole) => hole <= snapshotIndex)
  if (covered !== undefined) Log.compact(log, covered)
  const configurations = configurationsIn(log)
  assert(
    Log.isWhole(log) || configurations.some((at) => at.configuration.voters.length > 0),
    'the log is damaged and does not tell who the members are',
  )
  const missingFrom = Log.firstMissing(log)
  assert(Log.lastEntry(log).term <= folded.term, 'an entry is of a later term than the node')
  const state: State = {
    id: self.id,
    incarnation: self.incarnation,
    options,
    random: seededRandom(self.seed),
    term: folded.term,
    votedFor: folded.votedFor,
    log,
    configurations,
    // The bootstrap entry is the same everywhere by construction, hence committed.
    commitIndex: Math.min(missingFrom - 1, Math.max(snapshotIndex, folded.bootstrapped ? 1 : 0)),
    lastApplied: snapshotIndex,
    role: { type: 'follower', leader: null, reads: [] },
    electionElapsed: 0,
    electionTimeout: 0,
    now: 0,
    agreedTime: Math.max(log.snapshot?.time ?? 0, log.entries.at(-1)?.time ?? 0),
    agreedTerm: Log.lastEntry(log).term,
    nextDeadline: null,
    batch: 0,
    persistedBatch: 0,
    durableIndex: Math.min(missingFrom - 1, Log.lastIndex(log)),
    unsynced: { batch: 0, ticks: 0 },
    takingSnapshot: null,
    appliedBytesSinceSnapshot: 0,
    takingSnapshotBytes: 0,
    snapshotRetryTicks: 0,
    snapshotUnreadable: false,
    repair: Log.isWhole(log) ? null : newRepair(options.heartbeatTicks),
    damagedThrough: folded.lostTerm > 0 ? Log.lastIndex(log) : 0,
    snapshotsOut: new Map(),
  }
  Log.compact(log, Log.compactionPoint(log, options.keepEntries, options.keepBytes))
  drawElectionTimeout(state)
  return state
}

function fold(records: readonly WalRecord[]): Folded {
  const folded: Folded = {
    term: 0,
    votedFor: null,
    log: Log.emptyLog(),
    bootstrapped: false,
    lostTerm: 0,
  }
  for (const record of records) {
    switch (record.type) {
      case 'State':
        setHardState(folded, record)
        if (record.snapshot !== null) foldState(folded.log, record.snapshot)
        break
      case 'HardState':
        setHardState(folded, record)
        break
      case 'Append':
        foldEntries(folded, record.entries)
        break
      case 'SnapshotTaken':
        foldTaken(folded.log, record.snapshot)
        break
      case 'SnapshotInstalled':
        Log.resetTo(folded.log, record.snapshot)
        break
      case 'Bootstrap':
        foldEntries(folded, [bootstrapEntry(record.members)])
        folded.term = Math.max(folded.term, 1)
        folded.bootstrapped = true
        break
      case 'Filled':
        foldFilled(folded.log, record.entries)
        break
      case 'Lost':
        setHardState(folded, record.shape)
        reconcile(folded.log, record.shape)
        folded.lostTerm = record.shape.term
        break
      case 'SnapshotLost':
        loseSnapshot(folded.log)
        folded.lostTerm = Math.max(folded.lostTerm, folded.term)
        break
    }
  }
  if (Log.snapshotIndex(folded.log) > 0 || Log.lastIndex(folded.log) > 0) folded.bootstrapped = true
  return folded
}

function setHardState(folded: Folded, record: { term: number; votedFor: NodeId | null }): void {
  // The shape is of behind the batch that follows it: of what that batch says, it has the last word already.
  if (folded.term === folded.lostTerm && record.term < folded.term) return
  assert(record.term >= folded.term, 'the term went backwards in the WAL')
  assert(
    record.term > folded.term ||
      [null, record.votedFor].includes(folded.votedFor) ||
      record.votedFor === null,
    'the vote of a term changed in the WAL',
  )
  folded.term = record.term
  folded.votedFor = record.votedFor
}

function foldEntries({ log, lostTerm }: Folded, entries: readonly LogEntry[]): void {
  if (lostTerm > 0) foldBehindLoss(log, entries)
  else foldAppend(log, entries)
}

function foldAppend(log: Log.Log, entries: readonly LogEntry[]): void {
  const first = entries[0]
  if (first === undefined) return
  assert(first.index > Log.snapshotIndex(log), 'the WAL overwrites what a snapshot covers')
  const isGap = first.index > Log.lastIndex(log) + 1 || first.index <= log.offset.index
  if (isGap) {
    // A suffix of the WAL may start in the middle: older segments went once a snapshot covered them, and that
    // snapshot's record comes later. If it does not come, recovery refuses.
    log.entries = []
    log.batches = []
    log.offset = { index: first.index - 1, term: UNKNOWN_TERM }
  }
  Log.truncate(log, first.index - 1)
  Log.append(log, entries, 0)
}

/**
 * Behind a Lost come records that its shape has already seen, up to the batch that the shape stood behind. Told again from
 * their end they change nothing in the end, but on the way one may not fit: it was overwritten by a later one of them.
 * 1. Batch 7 writes 10 of term 3; batch 8 writes 5 of term 4 over it, and 6 to 9. 2. What is before 7 is damaged, and the first
 * shape left is that of 8. 3. Batch 7 comes behind that shape: its 10 does not follow on 9 of term 4.
 * The one that reaches back the furthest always fits, and from it on all do.
 */
function foldBehindLoss(log: Log.Log, entries: readonly LogEntry[]): void {
  const base = Log.baseOf(log).index
  const uncovered = entries.filter((entry) => entry.index > base)
  const first = uncovered[0]
  if (first === undefined || first.index > Log.lastIndex(log) + 1) return
  if ((Log.termAt(log, first.index - 1) ?? 0) > first.term) return
  foldAppend(log, uncovered)
}

/**
 * Our own snapshot: it agrees with the log as it was, whether or not the retained suffix still has its entry.
 * 1. The snapshot at 10 takes long, its record comes behind entry 40. 2. The one at 30 lets the segments up to 20
 * go. 3. A restart finds 21..40, then the record of 10: nothing of the log may be dropped for it.
 */
function foldTaken(log: Log.Log, snapshot: SnapshotMeta): void {
  if (snapshot.index < Log.baseOf(log).index) return
  if (snapshot.index > Log.lastIndex(log)) return Log.resetTo(log, snapshot)
  // Of one index the later counts too: a peer's took the place of ours, whose file was lost.
  log.snapshot = snapshot
  log.lostBase = null
  if (snapshot.index < log.offset.index) return
  if (snapshot.index === log.offset.index && log.offset.term === UNKNOWN_TERM)
    log.offset = { index: snapshot.index, term: snapshot.term }
  assert(Log.hasEntry(log, snapshot), 'a snapshot of our own contradicts the log')
}

/**
 * A segment's State record is of the moment it was opened, a step ahead of the batch behind it: the snapshot may be
 * one that this batch installs over a log which conflicts.
 */
function foldState(log: Log.Log, snapshot: SnapshotMeta): void {
  const known = Log.termAt(log, snapshot.index)
  const conflicts = known !== null && known !== UNKNOWN_TERM && known !== snapshot.term
  if (snapshot.index > Log.snapshotIndex(log) && conflicts) Log.resetTo(log, snapshot)
  else foldTaken(log, snapshot)
}

/** The highest log index that the records mention; the WAL may drop a segment when it is released. */
export function lastIndexOf(records: readonly WalRecord[]): Index {
  let last = 0
  for (const record of records) {
    if (record.type === 'Append' || record.type === 'Filled')
      last = Math.max(last, record.entries.at(-1)?.index ?? 0)
    else if (record.type === 'Bootstrap') last = Math.max(last, 1)
  }
  return last
}
