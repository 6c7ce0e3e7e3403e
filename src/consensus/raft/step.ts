/**
 * The one switch: which input goes to which handler, and what every message means for the term (§5.1).
 */
import { assert, unreachable } from '../../base/assert.js'
import type { Input } from '../contract.js'
import type { NodeId } from '../ids.js'
import { voteResult } from '../quorum.js'
import { sendHeartbeat } from './append-entries.js'
import { advanceCommit, advanceDurable } from './commitment.js'
import * as Election from './election.js'
import type { FetchEntries, FetchEntriesReply, Message } from './messages.js'
import * as Proposals from './proposals.js'
import * as Reads from './reads.js'
import * as Repair from './repair.js'
import { onAppendEntries, onAppendEntriesReply } from './replication.js'
import * as Snapshot from './snapshot.js'
import { configurationOf, type Leader, type RaftOut, type State } from './state.js'
import * as Transfer from './transfer.js'

/** Those that belong to a term. */
type TermMessage = Exclude<Message, FetchEntries | FetchEntriesReply>

export function stepState(s: State, input: Input<Message>, out: RaftOut): void {
  switch (input.type) {
    case 'Tick':
      return onTick(s, input, out)
    case 'Receive':
      return onReceive(s, input.from, input.message, out)
    case 'Propose':
      return Proposals.onPropose(s, input.requests, input.forward === true, out)
    case 'Read':
      return Reads.onRead(s, input.id, out)
    case 'Persisted':
      return onPersisted(s, input.batch, out)
    case 'CheckpointTaken':
      // Nobody here asks for one.
      return
    case 'SnapshotTaken':
      return Snapshot.onSnapshotTaken(s, input.snapshot, out)
    case 'SnapshotReceived':
      return Snapshot.onSnapshotReceived(s, input.from, input.snapshot, out)
    case 'SnapshotFailed':
      return Snapshot.onSnapshotFailed(s, input, out)
    case 'TransferLeadership':
      return Transfer.onTransferLeadership(s, input.to, out)
    default:
      return unreachable(input)
  }
}

function onReceive(s: State, from: NodeId, m: Message, out: RaftOut): void {
  // These speak of entries by index and term, and of nobody's present: no term moves for them, and none is too old.
  if (m.type === 'FetchEntries') return Repair.onFetchEntries(s, from, m, out)
  if (m.type === 'FetchEntriesReply') return Repair.onFetchEntriesReply(s, from, m, out)
  if (m.term > s.term && !meetHigherTerm(s, from, m, out)) return
  if (m.term < s.term) return answerLowerTerm(s, from, m, out)
  switch (m.type) {
    case 'RequestVote':
      return Election.onRequestVote(s, from, m, out)
    case 'RequestVoteReply':
      return Election.onRequestVoteReply(s, from, m, out)
    case 'PreVote':
      return Election.onPreVote(s, from, m, out)
    case 'PreVoteReply':
      return Election.onPreVoteReply(s, from, m, out)
    case 'AppendEntries':
      assert(s.role.type !== 'leader', 'one leader a term')
      Election.becomeFollower(s, s.term, from, out)
      s.electionElapsed = 0
      if (s.repair !== null) s.repair.silentTicks = 0
      onAppendEntries(s, from, m, out)
      return Reads.answerAppliedReads(s, out)
    case 'AppendEntriesReply':
      return onAppendEntriesReply(s, from, m, out)
    case 'TimeoutNow':
      return Transfer.onTimeoutNow(s, from, m, out)
    case 'ReadIndex':
      return Reads.onReadIndex(s, from, m, out)
    case 'ReadIndexReply':
      return Reads.onReadIndexReply(s, from, m, out)
    case 'Forward':
      return Proposals.onForward(s, from, m, out)
    default:
      return unreachable(m)
  }
}

/** If a message's term is above ours, adopt it and follow (§5.1). False: the message ends here. */
function meetHigherTerm(s: State, from: NodeId, m: TermMessage, out: RaftOut): boolean {
  const asksForVote = m.type === 'PreVote' || (m.type === 'RequestVote' && !m.transfer)
  // While a leader is heard nobody else is wanted, and no term is raised for one (thesis §4.2.3).
  if (asksForVote && Election.leaderIsAlive(s)) {
    out.note({ rule: 'thesis §4.2.3', event: 'vote-ignored-leader-alive', peer: from })
    return false
  }
  // A pre-vote and its grant speak of a term that nobody has begun.
  if (m.type === 'PreVote' || (m.type === 'PreVoteReply' && m.voteGranted)) return true
  Election.becomeFollower(s, m.term, m.type === 'AppendEntries' ? from : null, out)
  return true
}

/** A node behind the times learns our term from the refusal; nothing else of its message counts (§5.1). */
function answerLowerTerm(s: State, from: NodeId, m: TermMessage, out: RaftOut): void {
  out.note({ rule: '§5.1', event: 'stale-message', peer: from, term: m.term, detail: m.type })
  switch (m.type) {
    case 'AppendEntries':
      return out.send(from, {
        type: 'AppendEntriesReply',
        term: s.term,
        round: 0,
        incarnation: s.incarnation,
        accepted: false,
        rejected: m.prev.index,
        hint: { index: 0, term: 0 },
      })
    case 'RequestVote':
      return out.send(from, { type: 'RequestVoteReply', term: s.term, voteGranted: false })
    case 'PreVote':
      return out.send(from, { type: 'PreVoteReply', term: s.term, voteGranted: false })
    case 'RequestVoteReply':
    case 'PreVoteReply':
    case 'AppendEntriesReply':
    case 'TimeoutNow':
    case 'ReadIndex':
    case 'ReadIndexReply':
    case 'Forward':
      return
    default:
      return unreachable(m)
  }
}

function onTick(s: State, input: { now: number; nextDeadline: number | null }, out: RaftOut): void {
  s.now = Math.max(s.now, Math.floor(input.now))
  s.nextDeadline = input.nextDeadline
  watchDisk(s)
  Snapshot.tickSnapshot(s, out)
  Repair.tickRepair(s, out)
  s.electionElapsed++
  if (s.role.type === 'leader') return tickLeader(s, s.role, out)
  Reads.tickReads(s, out)
  if (s.electionElapsed < s.electionTimeout) return Election.tickElection(s, out)
  if (!Election.mayCampaign(s) || diskHangs(s)) return
  Election.becomePreCandidate(s, out)
}

function tickLeader(s: State, leader: Leader, out: RaftOut): void {
  if (s.electionElapsed >= s.options.electionTicks) {
    s.electionElapsed = 0
    if (!quorumActive(s, leader)) {
      // Cut off from the majority: somebody else may lead already, and clients should not wait for us (thesis §6.2).
      out.note({ rule: 'thesis §6.2', event: 'stepped-down-without-quorum', term: s.term })
      return Election.becomeFollower(s, s.term, null, out)
    }
  }
  if (diskHangs(s)) {
    out.note({ rule: 'PROTOCOL 5', event: 'stepped-down-slow-disk', term: s.term })
    Transfer.handOff(s, leader, out)
    return Election.becomeFollower(s, s.term, null, out)
  }
  Transfer.tickTransfer(s, out)
  Proposals.proposeTimedBatch(s, leader, out)
  leader.heartbeatElapsed++
  const heartbeat = leader.heartbeatElapsed >= s.options.heartbeatTicks
  if (heartbeat) leader.heartbeatElapsed = 0
  for (const [peer, p] of leader.progress) {
    // News of a commit go out within a tick; under load they ride on the next entries.
    const news = p.state === 'replicate' && p.sentCommit < Math.min(s.commitIndex, p.matchIndex)
    if (heartbeat || news) sendHeartbeat(s, peer, out)
  }
}

function quorumActive(s: State, leader: Leader): boolean {
  const active = (id: NodeId) => id === s.id || leader.progress.get(id)?.recentActive === true
  const result = voteResult(configurationOf(s), active)
  for (const p of leader.progress.values()) p.recentActive = false
  return result === 'won'
}

/** Counts for how long the oldest unsynced batch has been waiting. */
function watchDisk(s: State): void {
  if (s.unsynced.batch > s.persistedBatch) {
    s.unsynced.ticks++
    return
  }
  s.unsynced = { batch: s.batch, ticks: 0 }
}

/** A disk that hangs without an error: such a node must not lead. */
function diskHangs(s: State): boolean {
  return s.unsynced.batch > s.persistedBatch && s.unsynced.ticks > 2 * s.options.electionTicks
}

/** Own votes and entries count from here on (§5.2, §5.3; thesis §10.2.1). */
function onPersisted(s: State, batch: number, out: RaftOut): void {
  if (batch <= s.persistedBatch) return
  assert(batch <= s.batch, 'only what was emitted can be on disk')
  s.persistedBatch = batch
  advanceDurable(s)
  Election.countOwnVote(s, out)
  if (s.role.type === 'leader') advanceCommit(s, out)
}
