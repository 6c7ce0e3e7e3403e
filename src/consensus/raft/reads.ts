/**
 * Linearizable reads without writing (thesis §6.4, ReadIndex). A round of heartbeats confirms that we still lead,
 * and serves only the reads that arrived before it was sent:
 * 1. A leads; round 7 goes out. 2. B is elected, commits x=2. 3. A read arrives at A. 4. An answer to round 7,
 * sent before B's election, arrives at A. It says nothing about now: that read waits for round 8.
 */
import { assert } from '../../base/assert.js'
import type { Index, NodeId, ReadId } from '../ids.js'
import { voteResult } from '../quorum.js'
import { sendHeartbeat } from './append-entries.js'
import { termAt } from './log.js'
import type { ReadIndex, ReadIndexReply } from './messages.js'
import { configurationOf, leaderOf, type PendingRead, type RaftOut, type State } from './state.js'

/** A read from our own host. */
export function onRead(s: State, id: ReadId, out: RaftOut): void {
  if (s.role.type === 'leader') {
    queueRead(s, { id, from: null }, out)
    return
  }
  const leader = leaderOf(s)
  if (s.role.type !== 'follower' || leader === null) {
    out.answer(id, { type: 'NotLeader', leader: null })
    return
  }
  if (s.role.reads.length >= s.options.readsMax) {
    out.answer(id, { type: 'Overloaded', reason: 'too many reads wait for the leader' })
    return
  }
  s.role.reads.push({ id, elapsed: 0, index: null })
  out.send(leader, { type: 'ReadIndex', term: s.term, id })
  out.note({ rule: 'thesis §6.4', event: 'read-forwarded', peer: leader })
}

/** A read from a follower. One that is not answered is asked again: nothing is owed here. */
export function onReadIndex(s: State, from: NodeId, m: ReadIndex, out: RaftOut): void {
  if (s.role.type !== 'leader') {
    out.note({ rule: 'thesis §6.4', event: 'read-dropped', peer: from })
    return
  }
  queueRead(s, { id: m.id, from }, out)
}

function queueRead(s: State, read: PendingRead, out: RaftOut): void {
  assert(s.role.type === 'leader')
  if (s.role.queued.length >= s.options.readsMax) {
    if (read.from === null)
      out.answer(read.id, { type: 'Overloaded', reason: 'too many reads wait for a round' })
    else out.note({ rule: 'thesis §6.4', event: 'read-dropped', peer: read.from })
    return
  }
  s.role.queued.push(read)
  startRound(s, out)
}

/** A commit of the own term: from now on commitIndex is as high as any leader's before (thesis §6.4 step 1). */
export function onReadableCommit(s: State, out: RaftOut): void {
  startRound(s, out)
}

function startRound(s: State, out: RaftOut): void {
  assert(s.role.type === 'leader')
  if (s.role.confirming !== null || s.role.queued.length === 0) return
  // Before the first commit of our own term commitIndex may lag behind what a former leader acknowledged.
  if (termAt(s.log, s.commitIndex) !== s.term) return
  s.role.round++
  s.role.confirming = { reads: s.role.queued, index: s.commitIndex, round: s.role.round }
  s.role.queued = []
  out.note({ rule: 'thesis §6.4', event: 'read-round-started', index: s.commitIndex })
  for (const peer of s.role.progress.keys()) sendHeartbeat(s, peer, out)
  confirmReads(s, out)
}

/** Has a quorum echoed the round? Every message since carries it, so any answer may complete it. */
export function confirmReads(s: State, out: RaftOut): void {
  if (s.role.type !== 'leader' || s.role.confirming === null) return
  const { progress, confirming } = s.role
  const heard = (id: NodeId) =>
    id === s.id || (progress.get(id)?.round ?? 0) >= confirming.round ? true : undefined
  if (voteResult(configurationOf(s), heard) !== 'won') return
  s.role.confirming = null
  out.note({ rule: 'thesis §6.4', event: 'read-round-confirmed', index: confirming.index })
  for (const read of confirming.reads) {
    if (read.from === null) out.answer(read.id, { type: 'ReadReady', index: confirming.index })
    else answerFollower(s, { id: read.id, to: read.from, index: confirming.index }, out)
  }
  startRound(s, out)
}

function answerFollower(
  s: State,
  answer: { id: ReadId; to: NodeId; index: Index },
  out: RaftOut,
): void {
  assert(s.role.type === 'leader')
  const p = s.role.progress.get(answer.to)
  // It must apply up to the index before it answers: do not let it wait for the next heartbeat.
  if (p !== undefined && p.sentCommit < answer.index) sendHeartbeat(s, answer.to, out)
  out.send(answer.to, {
    type: 'ReadIndexReply',
    term: s.term,
    id: answer.id,
    index: answer.index,
  })
}

export function onReadIndexReply(s: State, from: NodeId, m: ReadIndexReply, out: RaftOut): void {
  assert(m.term === s.term)
  if (s.role.type !== 'follower') return
  const read = s.role.reads.find(
    (one) => one.id.number === m.id.number && one.id.incarnation === m.id.incarnation,
  )
  if (read === undefined || read.index !== null) {
    out.note({ rule: 'thesis §6.4', event: 'stale-reply', peer: from })
    return
  }
  read.index = m.index
  answerAppliedReads(s, out)
}

/** Answers the forwarded reads whose index is applied. */
export function answerAppliedReads(s: State, out: RaftOut): void {
  if (s.role.type !== 'follower' || s.role.reads.length === 0) return
  const waiting = []
  for (const read of s.role.reads) {
    if (read.index === null || read.index > s.lastApplied) waiting.push(read)
    else out.answer(read.id, { type: 'ReadReady', index: read.index })
  }
  s.role.reads = waiting
}

/** A tick: a read that got no answer is asked again, of whoever leads now; after a while it is given up. */
export function tickReads(s: State, out: RaftOut): void {
  if (s.role.type !== 'follower' || s.role.reads.length === 0) return
  const { leader } = s.role
  const waiting = []
  for (const read of s.role.reads) {
    read.elapsed++
    if (read.elapsed > s.options.electionTicks) {
      out.answer(read.id, { type: 'NotLeader', leader })
      continue
    }
    waiting.push(read)
    const again = read.index === null && read.elapsed % s.options.heartbeatTicks === 0
    if (again && leader !== null) out.send(leader, { type: 'ReadIndex', term: s.term, id: read.id })
  }
  s.role.reads = waiting
}

/** The role ends, and with it what its reads waited for. */
export function answerReadsOnRoleChange(s: State, out: RaftOut): void {
  if (s.role.type === 'follower') {
    for (const read of s.role.reads) out.answer(read.id, { type: 'NotLeader', leader: null })
    s.role.reads = []
  }
  if (s.role.type !== 'leader') return
  const all = [...(s.role.confirming?.reads ?? []), ...s.role.queued]
  for (const read of all)
    if (read.from === null) out.answer(read.id, { type: 'NotLeader', leader: null })
  s.role.confirming = null
  s.role.queued = []
}
