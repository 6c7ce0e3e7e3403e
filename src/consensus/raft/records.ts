/**
 * What a Raft node writes to its WAL, and the fold that rebuilds the node from it. Every prefix of the records
 * folds to a legal state: within a batch the term comes before entries of that term.
 */
import { assert } from '../../base/assert.js'
import { seededRandom } from '../../base/random.js'
import type { Configuration, Member, Self, SnapshotMeta } from '../contract.js'
import { compareNodeIds, type Index, type NodeId } from '../ids.js'
import * as Log from './log.js'
import { configurationsIn } from './membership.js'
import type { LogEntry } from './messages.js'
import type { Options } from './options.js'
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

export type WalRecord =
  | StateRecord
  | HardState
  | Append
  | SnapshotTaken
  | SnapshotInstalled
  | Bootstrap

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
}

export function recoverState(records: readonly WalRecord[], self: Self, options: Options): State {
  const folded = fold(records)
  const { log } = folded
  const snapshotIndex = Log.snapshotIndex(log)
  assert(
    log.offset.index <= snapshotIndex,
    `the log is missing entries ${snapshotIndex + 1} to ${log.offset.index}`,
  )
  // What lies before the first entry is not known, but the snapshot covers the entry too: begin behind it.
  if (log.offset.term === UNKNOWN_TERM && log.offset.index > 0)
    Log.compact(log, log.offset.index + 1)
  assert(Log.lastEntry(log).term <= folded.term, 'an entry is of a later term than the node')
  const state: State = {
    id: self.id,
    incarnation: self.incarnation,
    options,
    random: seededRandom(self.seed),
    term: folded.term,
    votedFor: folded.votedFor,
    log,
    configurations: configurationsIn(log),
    // The bootstrap entry is the same everywhere by construction, hence committed.
    commitIndex: Math.max(snapshotIndex, folded.bootstrapped ? 1 : 0),
    lastApplied: snapshotIndex,
    role: { type: 'follower', leader: null, reads: [] },
    electionElapsed: 0,
    electionTimeout: 0,
    now: 0,
    agreedTime: Math.max(log.snapshot?.time ?? 0, log.entries.at(-1)?.time ?? 0),
    nextDeadline: null,
    batch: 0,
    persistedBatch: 0,
    durableIndex: Log.lastIndex(log),
    unsynced: { batch: 0, ticks: 0 },
    takingSnapshot: null,
    appliedBytesSinceSnapshot: 0,
    takingSnapshotBytes: 0,
    snapshotRetryTicks: 0,
  }
  Log.compact(log, Log.compactionPoint(log, options.keepEntries, options.keepBytes))
  drawElectionTimeout(state)
  return state
}

function fold(records: readonly WalRecord[]): Folded {
  const folded: Folded = { term: 0, votedFor: null, log: Log.emptyLog(), bootstrapped: false }
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
        foldAppend(folded.log, record.entries)
        break
      case 'SnapshotTaken':
        foldTaken(folded.log, record.snapshot)
        break
      case 'SnapshotInstalled':
        Log.resetTo(folded.log, record.snapshot)
        break
      case 'Bootstrap':
        foldAppend(folded.log, [bootstrapEntry(record.members)])
        folded.term = Math.max(folded.term, 1)
        folded.bootstrapped = true
        break
    }
  }
  if (Log.snapshotIndex(folded.log) > 0) folded.bootstrapped = true
  return folded
}

function setHardState(folded: Folded, record: { term: number; votedFor: NodeId | null }): void {
  assert(record.term >= folded.term, 'the term went backwards in the WAL')
  folded.term = record.term
  folded.votedFor = record.votedFor
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
 * Our own snapshot: it agrees with the log as it was, whether or not the retained suffix still has its entry.
 * 1. The snapshot at 10 takes long, its record comes behind entry 40. 2. The one at 30 lets the segments up to 20
 * go. 3. A restart finds 21..40, then the record of 10: nothing of the log may be dropped for it.
 */
function foldTaken(log: Log.Log, snapshot: SnapshotMeta): void {
  if (snapshot.index <= Log.snapshotIndex(log)) return
  if (snapshot.index > Log.lastIndex(log)) return Log.resetTo(log, snapshot)
  log.snapshot = snapshot
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
    if (record.type === 'Append') last = Math.max(last, record.entries.at(-1)?.index ?? 0)
    else if (record.type === 'Bootstrap') last = Math.max(last, 1)
  }
  return last
}
