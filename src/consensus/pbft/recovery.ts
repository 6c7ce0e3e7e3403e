/**
 * The fold that makes a replica out of its log. What it said before it says again word for word, and nothing else: an
 * index has the batch that it had, a view that was left stays left.
 */
import type { Configuration, Member, Self } from '../contract.js'
import { compareNodeIds, type Index } from '../ids.js'
import { takeRestoredCheckpoint } from './checkpoint.js'
import { executeCommitted, fetchBatch } from './execution.js'
import type { Checkpoint, NewView } from './messages.js'
import { lead, takeOver } from './new-view.js'
import type { Options } from './options.js'
import { inWindow } from './ordering.js'
import type { StateRecord, WalRecord } from './records.js'
import { newSlot, type Slot } from './slot.js'
import { ownVote } from './snapshot.js'
import { isPrimary, type PbftOut, primary, replicasOf, type State } from './state.js'
import { digestOf, signCommit, signPrepare } from './statements.js'

/** Before anything was executed. */
const NO_HISTORY = '00'.repeat(32)
const NO_STABLE = { index: 0, digest: '', checkpoints: [] }

export function newState(self: Self, options: Options): State {
  return {
    id: self.id,
    incarnation: self.incarnation,
    options,
    configuration: configurationOf([]),
    replicas: [],
    epoch: 0,
    view: 0,
    active: true,
    stable: NO_STABLE,
    slots: new Map(),
    newView: null,
    floor: 0,
    viewChange: null,
    snapshot: null,
    snapshotHistory: NO_HISTORY,
    mute: false,
    lastExecuted: 0,
    history: NO_HISTORY,
    restoredThrough: 0,
    agreedTime: 0,
    now: 0,
    nextDeadline: null,
    heard: new Set(),
    // Of a round that lacks all: first of all Q must be there.
    heardElapsed: options.statusTicks,
    viewChanges: new Map(),
    viewChangeElapsed: null,
    viewChangeTicks: options.viewChangeTicks,
    requestTicks: options.requestTicks,
    waiting: new Map(),
    justExecuted: new Set(),
    executedInView: 0,
    primary: null,
    parked: [],
    checkpoints: new Map(),
    ownDigests: new Map(),
    histories: new Map(),
    snapshotVotes: new Map(),
    snapshotProof: null,
    fetching: null,
    sourceFailures: new Map(),
    behindElapsed: 0,
    askedInVainElapsed: null,
    statusElapsed: 0,
    statusExecuted: 0,
    served: new Map(),
    servedBytes: new Map(),
    frozenElapsed: 0,
    primarySuspected: false,
    takingSnapshot: null,
    diverged: false,
    ownStatements: [],
    batch: 0,
    persistedBatch: 0,
  }
}

/** Of the initial members, all of them replicas. */
export function configurationOf(members: readonly Member[]): Configuration {
  const sorted = [...members].sort((a, b) => compareNodeIds(a.id, b.id))
  return {
    members: sorted,
    voters: sorted.map((member) => member.id),
    votersOutgoing: [],
    learners: [],
    learnersNext: [],
    autoLeave: false,
  }
}

export function recoverState(records: readonly WalRecord[], self: Self, options: Options): State {
  const s = newState(self, options)
  for (const record of records) fold(s, record)
  s.lastExecuted = s.snapshot?.index ?? 0
  s.agreedTime = s.snapshot?.time ?? 0
  s.history = s.snapshot === null ? NO_HISTORY : s.snapshotHistory
  s.restoredThrough = s.lastExecuted
  for (const [index, slot] of s.slots) {
    if (index <= s.lastExecuted) slot.executed = true
    if (index <= Math.min(s.lastExecuted, s.stable.index)) s.slots.delete(index)
  }
  sayAgain(s)
  return s
}

function fold(s: State, record: WalRecord): void {
  switch (record.type) {
    case 'State':
      return foldState(s, record)
    case 'Bootstrap':
      return setMembers(s, record.members)
    case 'Accepted': {
      const { proposed, batch } = record
      const slot = slotOf(s, proposed.index)
      slot.proposed = proposed
      slot.preparedIn = proposed.view
      slot.batches.set(proposed.digest, batch)
      return
    }
    case 'Body':
      slotOf(s, record.index).batches.set(digestOf(s, record.batch), record.batch)
      return
    case 'Prepared': {
      const { certificate } = record
      const slot = slotOf(s, certificate.proposed.index)
      slot.prepared = certificate
      slot.preparedIn = certificate.proposed.view
      slot.committedIn = certificate.proposed.view
      for (const vote of certificate.prepares) slot.prepares.set(vote.sender, vote)
      return
    }
    case 'Committed': {
      const [first] = record.commits
      if (first === undefined) return
      const slot = slotOf(s, first.index)
      slot.committed = record.commits
      for (const vote of record.commits) slot.commits.set(vote.sender, vote)
      return
    }
    case 'ViewChangeSaid':
      s.viewChange = record.viewChange
      return leaveFor(s, record.viewChange.view)
    case 'ViewLeft':
      return leaveFor(s, record.view)
    case 'NewViewAccepted':
      return foldNewView(s, record.newView)
    case 'Stable':
      return foldStable(s, record.checkpoints)
    case 'SnapshotTaken':
    case 'SnapshotInstalled':
      s.snapshot = record.snapshot
      s.snapshotHistory = record.history
      return
    case 'Lost':
      s.mute = true
      return
    case 'SnapshotLost':
      // Nothing is executed: the state is fetched from those who signed for it.
      s.snapshot = null
  }
}

function foldState(s: State, record: StateRecord): void {
  setMembers(s, record.members)
  s.view = record.view
  s.active = record.active
  s.mute = s.mute || record.mute
  s.newView = record.newView
  s.viewChange = record.viewChange
  if (record.snapshot !== null) {
    s.snapshot = record.snapshot
    s.snapshotHistory = record.history
  }
  foldStable(s, record.checkpoints)
  // The record of the NEW-VIEW may have gone with its segment, and what we prepared was proposed nowhere else.
  if (record.newView !== null) takeOver(s, record.newView)
}

function setMembers(s: State, members: readonly Member[]): void {
  s.configuration = configurationOf(members)
  s.replicas = replicasOf(s.configuration)
}

function foldStable(s: State, checkpoints: readonly Checkpoint[]): void {
  const [first] = checkpoints
  if (first === undefined || first.index <= s.stable.index) return
  s.stable = { index: first.index, digest: first.digest, checkpoints }
}

function leaveFor(s: State, view: number): void {
  s.view = view
  s.active = false
}

function foldNewView(s: State, newView: NewView): void {
  s.view = newView.view
  s.active = true
  s.newView = newView
  for (const slot of s.slots.values()) slot.proposed = null
  takeOver(s, newView)
}

function slotOf(s: State, index: Index): Slot {
  let slot = s.slots.get(index)
  if (slot === undefined) {
    slot = newSlot(index)
    s.slots.set(index, slot)
  }
  return slot
}

/**
 * Our own votes of this view, signed anew: the same bytes. All they promise is on disk, also where they were not said
 * yet: a NEW-VIEW was accepted and the end came before we voted on what it proposes.
 */
function sayAgain(s: State): void {
  if (s.mute || s.replicas.length === 0) return
  const vote = ownVote(s)
  if (vote !== null) s.snapshotVotes.set(vote.index, new Map([[s.id, vote]]))
  if (!s.active && s.viewChange?.view === s.view) s.viewChanges.set(s.id, s.viewChange)
  for (const slot of s.slots.values()) {
    const { proposed } = slot
    if (proposed === null || proposed.view !== s.view || !inWindow(s, slot.index)) continue
    if (slot.batches.has(proposed.digest) && primary(s) !== s.id) {
      slot.preparedIn = s.view
      slot.prepares.set(s.id, signPrepare(s, proposed))
    }
    if (slot.committedIn === s.view) slot.commits.set(s.id, signCommit(s, proposed))
  }
}

/** What a restarted replica does at once: the machine's state, then what is committed behind it. */
export function resume(s: State, out: PbftOut): void {
  if (s.snapshot !== null) {
    out.restore(s.snapshot)
    takeRestoredCheckpoint(s, out)
  }
  executeCommitted(s, out)
  if (s.active)
    for (const slot of s.slots.values())
      if (slot.proposed?.view === s.view) fetchBatch(s, slot, out)
  if (s.replicas.length > 0 && s.active && isPrimary(s) && !s.mute) {
    lead(s, s.newView, out)
    const { primary: p } = s
    if (p === null) return
    // Indices that we gave out before stay given, committed or not.
    for (const [index, slot] of s.slots)
      if (slot.proposed?.view === s.view) p.lastProposed = Math.max(p.lastProposed, index)
  }
}
