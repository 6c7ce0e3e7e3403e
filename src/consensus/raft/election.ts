/**
 * Elections (§5.2, §5.4.1) with pre-vote (thesis §9.6), leader stickiness and check-quorum (thesis §6.2).
 */
import { assert } from '../../base/assert.js'
import { compareNodeIds, type NodeId } from '../ids.js'
import { isVoter, replicaIds, type VoteResult, voteResult } from '../quorum.js'
import { appendOwn, broadcastAppend } from './append-entries.js'
import { advanceCommit } from './commitment.js'
import { isUpToDate, isWhole, lastEntry, lastIndex } from './log.js'
import type { PreVote, PreVoteReply, RequestVote, RequestVoteReply } from './messages.js'
import { newProgress } from './progress.js'
import { answerReadsOnRoleChange } from './reads.js'
import {
  configurationOf,
  drawElectionTimeout,
  leaderOf,
  type RaftOut,
  type State,
} from './state.js'
import { continuedTime, hearTime } from './time.js'

/** The peers whose votes count, in a fixed order. */
function otherVoters(s: State): NodeId[] {
  const { voters, votersOutgoing } = configurationOf(s)
  const all = new Set([...voters, ...votersOutgoing])
  all.delete(s.id)
  return [...all].sort(compareNodeIds)
}

/** Moves to a term and forgets the vote of the last one (§5.1). Durable before anything says so: see GATE. */
export function recordTerm(s: State, term: number, votedFor: NodeId | null, out: RaftOut): number {
  assert(term >= s.term, 'the term never decreases')
  assert(
    term > s.term || s.votedFor === null || s.votedFor === votedFor,
    'one vote a term, and it is never taken back',
  )
  s.term = term
  s.votedFor = votedFor
  return out.persist({ type: 'HardState', term, votedFor })
}

export function becomeFollower(s: State, term: number, leader: NodeId | null, out: RaftOut): void {
  if (term > s.term) recordTerm(s, term, null, out)
  drawElectionTimeout(s)
  // A follower's timer goes on: only its leader and a vote it grants reset it, or a node that cannot win could
  // keep those that can from ever trying.
  if (s.role.type === 'follower') {
    s.role.leader = leader
    return
  }
  answerReadsOnRoleChange(s, out)
  s.role = { type: 'follower', leader, reads: [] }
  s.electionElapsed = 0
  out.note({ rule: '§5.1', event: 'became-follower', term: s.term })
}

/**
 * May this node lead at all? It must be a voter of the configuration in effect, and have its whole log: a leader with a hole
 * could neither send what stands there nor apply it, and a hole may hide a configuration.
 */
export function mayCampaign(s: State): boolean {
  return isVoter(configurationOf(s), s.id) && isWhole(s.log)
}

/** Asks first whether an election could be won, so that a node cut off does not raise the term for all. */
export function becomePreCandidate(s: State, out: RaftOut): void {
  assert(s.role.type !== 'leader', 'a leader does not campaign')
  answerReadsOnRoleChange(s, out)
  s.role = { type: 'pre-candidate', votes: new Map([[s.id, true]]) }
  s.electionElapsed = 0
  drawElectionTimeout(s)
  out.note({ rule: 'thesis §9.6', event: 'became-pre-candidate', term: s.term + 1 })
  if (tally(s, s.role.votes) === 'won') {
    becomeCandidate(s, { transfer: false }, out)
    return
  }
  askForVotes(s, out)
}

export function becomeCandidate(s: State, options: { transfer: boolean }, out: RaftOut): void {
  assert(s.role.type !== 'leader', 'a leader does not campaign')
  answerReadsOnRoleChange(s, out)
  const voteBatch = recordTerm(s, s.term + 1, s.id, out)
  // Our own vote counts when it is on disk: onPersisted.
  s.role = { type: 'candidate', votes: new Map(), voteBatch, transfer: options.transfer }
  s.electionElapsed = 0
  drawElectionTimeout(s)
  out.note({ rule: '§5.2', event: 'became-candidate', term: s.term })
  askForVotes(s, out)
}

/**
 * Asks every voter that has not answered. Repeated while nobody is elected: a request may be lost, and a voter
 * that still heard the leader said nothing (§5.1: an RPC without an answer is retried).
 */
function askForVotes(s: State, out: RaftOut): void {
  if (s.role.type !== 'pre-candidate' && s.role.type !== 'candidate') return
  const lastLog = lastEntry(s.log)
  for (const peer of otherVoters(s)) {
    if (s.role.votes.has(peer)) continue
    if (s.role.type === 'pre-candidate')
      out.send(peer, { type: 'PreVote', term: s.term + 1, lastLog })
    else out.send(peer, { type: 'RequestVote', term: s.term, lastLog, transfer: s.role.transfer })
  }
}

export function tickElection(s: State, out: RaftOut): void {
  if (s.electionElapsed % s.options.heartbeatTicks === 0) askForVotes(s, out)
}

/** Upon election: an empty entry of the own term, without which nothing older can commit (§5.4.2, §8). */
export function becomeLeader(s: State, out: RaftOut): void {
  assert(s.role.type === 'candidate', 'only a candidate is elected')
  const next = lastIndex(s.log) + 1
  const base = continuedTime(s)
  hearTime(s, { term: s.term, time: base })
  s.role = {
    type: 'leader',
    progress: new Map(),
    heartbeatElapsed: 0,
    time: { base, at: s.now },
    timedBatch: { index: 0, time: 0 },
    uncommitted: { requests: 0, bytes: 0 },
    owedNews: new Map(),
    round: 0,
    confirming: null,
    queued: [],
    transfer: null,
  }
  for (const peer of replicaIds(configurationOf(s)))
    if (peer !== s.id) s.role.progress.set(peer, newProgress(next))
  s.electionElapsed = 0
  out.note({ rule: '§5.2', event: 'became-leader', term: s.term, index: next })
  appendOwn(s, [], out)
  broadcastAppend(s, out)
  advanceCommit(s, out)
}

/** A leader was heard within the minimum election timeout: no reason to vote for another (thesis §4.2.3). */
export function leaderIsAlive(s: State): boolean {
  if (s.role.type === 'leader') return true
  return (
    s.role.type === 'follower' &&
    s.role.leader !== null &&
    s.electionElapsed < s.options.electionTicks
  )
}

/**
 * RequestVote, receiver side (§5.2, §5.4.1). `step` has already reconciled the terms. A voter whose log is damaged votes
 * like any other: the rule asks for index and term of its last entry, which it knows, and never for its configuration.
 */
export function onRequestVote(s: State, from: NodeId, m: RequestVote, out: RaftOut): void {
  assert(m.term === s.term)
  // A node that no cluster has formed around has no vote to give.
  const formed = configurationOf(s).voters.length > 0
  // One vote per term, first come, first served (§5.2).
  const free = s.votedFor === from || (s.votedFor === null && leaderOf(s) === null)
  // Only to a log at least as up to date as ours, or committed entries could be lost (§5.4.1).
  const voteGranted = formed && free && isUpToDate(m.lastLog, lastEntry(s.log))
  if (voteGranted) {
    if (s.votedFor === null) recordTerm(s, s.term, from, out)
    // A pre-candidate has found somebody to follow into this term.
    becomeFollower(s, s.term, null, out)
    s.electionElapsed = 0
  }
  out.send(from, { type: 'RequestVoteReply', term: s.term, voteGranted })
  out.note({
    rule: '§5.2',
    event: voteGranted ? 'vote-granted' : 'vote-denied',
    peer: from,
    term: s.term,
  })
}

/** PreVote, receiver side (thesis §9.6): says what we would answer; no term, vote or timer of ours moves. */
export function onPreVote(s: State, from: NodeId, m: PreVote, out: RaftOut): void {
  assert(m.term >= s.term)
  const formed = configurationOf(s).voters.length > 0
  const free =
    m.term > s.term || s.votedFor === from || (s.votedFor === null && leaderOf(s) === null)
  const voteGranted = formed && free && isUpToDate(m.lastLog, lastEntry(s.log))
  const term = voteGranted ? m.term : s.term
  out.send(from, { type: 'PreVoteReply', term, voteGranted })
  out.note({
    rule: 'thesis §9.6',
    event: voteGranted ? 'pre-vote-granted' : 'pre-vote-denied',
    peer: from,
    term: m.term,
  })
}

export function onPreVoteReply(s: State, from: NodeId, m: PreVoteReply, out: RaftOut): void {
  if (s.role.type !== 'pre-candidate') return
  // A grant for a term that we no longer ask for.
  if (m.voteGranted && m.term !== s.term + 1) {
    out.note({ rule: 'thesis §9.6', event: 'stale-reply', peer: from, term: m.term })
    return
  }
  recordVote(s.role.votes, from, m.voteGranted)
  switch (tally(s, s.role.votes)) {
    case 'won':
      becomeCandidate(s, { transfer: false }, out)
      return
    case 'lost':
      becomeFollower(s, s.term, null, out)
      return
    case 'pending':
      return
  }
}

export function onRequestVoteReply(
  s: State,
  from: NodeId,
  m: RequestVoteReply,
  out: RaftOut,
): void {
  assert(m.term === s.term)
  if (s.role.type !== 'candidate') return
  recordVote(s.role.votes, from, m.voteGranted)
  decideElection(s, out)
}

/** Our own vote may have reached the disk. */
export function countOwnVote(s: State, out: RaftOut): void {
  if (s.role.type !== 'candidate' || s.role.voteBatch > s.persistedBatch) return
  if (s.role.votes.has(s.id)) return
  s.role.votes.set(s.id, true)
  decideElection(s, out)
}

function decideElection(s: State, out: RaftOut): void {
  if (s.role.type !== 'candidate') return
  const result = tally(s, s.role.votes)
  // A leader's own term must be on disk, whoever else voted: it numbers entries with it at once.
  if (result === 'won' && s.role.voteBatch <= s.persistedBatch) becomeLeader(s, out)
  else if (result === 'lost') becomeFollower(s, s.term, null, out)
}

function recordVote(votes: Map<NodeId, boolean>, from: NodeId, granted: boolean): void {
  if (!votes.has(from)) votes.set(from, granted)
}

function tally(s: State, votes: ReadonlyMap<NodeId, boolean>): VoteResult {
  return voteResult(configurationOf(s), (id) => votes.get(id))
}
