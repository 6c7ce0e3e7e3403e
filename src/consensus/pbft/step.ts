/** The one switch: which input goes to which handler. No message of anybody can stop a replica. */
import { assert, unreachable } from '../../base/assert.js'
import type { Input } from '../contract.js'
import type { NodeId } from '../ids.js'
import * as Checkpoints from './checkpoint.js'
import { heardFrom, tickHearing } from './hearing.js'
import type { Message } from './messages.js'
import * as NewViews from './new-view.js'
import * as Ordering from './ordering.js'
import * as Requests from './requests.js'
import { addVote } from './slot.js'
import * as Snapshots from './snapshot.js'
import type { PbftOut, State } from './state.js'
import * as StateTransfer from './state-transfer.js'
import * as Status from './status.js'
import * as ViewChanges from './view-change.js'

export function stepState(s: State, input: Input<Message>, out: PbftOut): void {
  switch (input.type) {
    case 'Tick':
      return onTick(s, input, out)
    case 'Receive':
      return onReceive(s, input.from, input.message, out)
    case 'Propose':
      return Requests.onPropose(s, input.requests, out)
    case 'Read':
      // A read is a command like any other: no replica alone can be believed.
      return out.answer(input.id, { type: 'Unsupported' })
    case 'Persisted':
      return onPersisted(s, input.batch, out)
    case 'CheckpointTaken':
      return Checkpoints.onCheckpointTaken(s, input, out)
    case 'SnapshotTaken':
      return Snapshots.onSnapshotTaken(s, input.snapshot, out)
    case 'SnapshotReceived':
      return StateTransfer.onSnapshotReceived(s, input.from, input.snapshot, out)
    case 'SnapshotFailed':
      return StateTransfer.onSnapshotFailed(s, input.snapshot, input.peer ?? null, out)
    case 'TransferLeadership':
      // The primary of a view is who it is.
      return out.note({
        rule: '4.4',
        event: 'proposal-refused',
        peer: input.to,
        detail: 'transfer',
      })
    default:
      return unreachable(input)
  }
}

function onReceive(s: State, from: NodeId, m: Message, out: PbftOut): void {
  if (s.replicas.length === 0) return
  heardFrom(s, from)
  switch (m.type) {
    case 'PrePrepare':
      return Ordering.onPrePrepare(s, m, out)
    case 'Prepare':
      return Ordering.onPrepare(s, m, out)
    case 'Commit':
      return Ordering.onCommit(s, m, out)
    case 'Checkpoint':
      return Checkpoints.onCheckpoint(s, m, out)
    case 'StableCheckpoint':
      return Checkpoints.onStableCheckpoint(s, m.checkpoints, out)
    case 'SnapshotVote':
      return StateTransfer.onSnapshotVote(s, from, m, out)
    case 'SnapshotProof':
      return Snapshots.onSnapshotVotes(s, m.votes, out)
    case 'ViewChange':
      return ViewChanges.onViewChange(s, m, out)
    case 'NewView':
      return NewViews.onNewView(s, m, out)
    case 'Forward':
      return Requests.onForward(s, m.requests, out)
    case 'Status':
      return Status.onStatus(s, from, m, out)
    case 'FetchBatch':
      return Status.onFetchBatch(s, from, m, out)
    case 'FetchedBatch':
      return Status.onFetchedBatch(s, m, out)
    case 'CommittedBatch':
      return Status.onCommittedBatch(s, from, m, out)
    default:
      return unreachable(m)
  }
}

function onTick(s: State, input: { now: number; nextDeadline: number | null }, out: PbftOut): void {
  // It may go back, as a wall clock does when it is set; agreed time does not.
  s.now = Math.max(0, Math.floor(input.now))
  s.nextDeadline = input.nextDeadline
  if (s.replicas.length === 0) return
  if (tickHearing(s)) Requests.tellAnew(s)
  Ordering.retryParked(s, out)
  Requests.tickForward(s, out)
  proposeTimedBatch(s, out)
  ViewChanges.tickRequests(s, out)
  ViewChanges.tickViewChange(s, out)
  StateTransfer.tickBehind(s, out)
  Snapshots.tickAskedInVain(s, out)
  Status.tickStatus(s, out)
}

/** An empty batch whose time lets the machine expire what is due, in an idle cluster too. */
function proposeTimedBatch(s: State, out: PbftOut): void {
  const p = s.primary
  if (p === null || s.mute || s.diverged || s.nextDeadline === null) return
  if (s.now < s.nextDeadline || p.timedBatch.index > s.lastExecuted) return
  if (s.now - p.timedBatch.time < s.options.timedBatchMsMin || !Ordering.mayPropose(s, p)) return
  Ordering.propose(s, p, [], out)
  p.timedBatch = { index: p.lastProposed, time: s.now }
  out.note({ rule: 'PROTOCOL 3', event: 'timed-batch', index: p.lastProposed })
}

/** Our own statements count from here on, as they leave only now. */
function onPersisted(s: State, batch: number, out: PbftOut): void {
  if (batch <= s.persistedBatch) return
  assert(batch <= s.batch, 'only what was emitted can be on disk')
  s.persistedBatch = batch
  const due = s.ownStatements.filter((own) => own.batch <= batch)
  s.ownStatements = s.ownStatements.filter((own) => own.batch > batch)
  for (const { statement } of due) {
    switch (statement.type) {
      case 'Prepare':
      case 'Commit': {
        const slot = s.slots.get(statement.index)
        if (slot === undefined) break
        if (statement.type === 'Prepare') addVote(slot.prepares, statement)
        else addVote(slot.commits, statement)
        Ordering.advance(s, slot, out)
        break
      }
      case 'Checkpoint':
        Checkpoints.countOwnCheckpoint(s, statement, out)
        break
      case 'SnapshotVote':
        Snapshots.onSnapshotVotes(s, [statement], out)
        break
      case 'ViewChange':
        ViewChanges.countOwnViewChange(s, statement, out)
        break
    }
  }
}
