/**
 * What repairs lost messages: everybody tells now and then how far it is, and whoever is ahead sends what is lacking.
 * All of it proves itself, so it does not matter who sends it.
 */
import type { Index, NodeId } from '../ids.js'
import { rulesOf } from './checkpoint.js'
import { executeCommitted, fetchBatch } from './execution.js'
import {
  type Batch,
  type CommittedBatch,
  type FetchBatch,
  type FetchedBatch,
  type Status,
  statementsOf,
} from './messages.js'
import { advance, prepare, sizeOf, slotAt, votesOf } from './ordering.js'
import { commitsProblem } from './proofs.js'
import { committedBatch } from './slot.js'
import { repeatVote } from './snapshot.js'
import { highWatermark, isPrimary, others, type PbftOut, type State } from './state.js'
import { digestOf } from './statements.js'

/** Bytes of batches in one answer to a Status, but one batch at least. */
const CATCH_UP_BYTES_MAX = 4 * 1024 * 1024
/**
 * Bytes of batches that are proposed again in one answer to a Status, but one batch at least. Each Status is answered anew,
 * also while they are on their way: large ones would fill the way, and the votes that they wait for be lost.
 */
const REPEAT_BYTES_MAX = 1024 * 1024
/** To one peer in one tick. */
const ANSWERS_MIN = 4
/**
 * Bytes of batches and of what proves a view that one peer is given in one tick, but one of them at least. As much as may
 * wait for one peer (the communicator's queue), which more would be encoded for and then find no room in. Whoever lacks
 * the rest asks again: for a batch after some ticks, for all else with its next Status.
 */
export const ANSWER_BYTES_MAX: number = 8 * 1024 * 1024
/** Of a statement, near enough for a bound. */
const STATEMENT_BYTES = 128

export function tickStatus(s: State, out: PbftOut): void {
  s.served.clear()
  s.servedBytes.clear()
  for (const slot of s.slots.values()) {
    if (slot.fetchElapsed === null) continue
    slot.fetchElapsed++
    fetchBatch(s, slot, out)
  }
  if (++s.statusElapsed < s.options.statusTicks) return
  s.statusElapsed = 0
  for (const id of others(s)) tell(s, id, out)
}

/** How far we are: whoever is ahead answers with what we lack. */
export function tell(s: State, id: NodeId, out: PbftOut): void {
  const { view, active, stable, lastExecuted } = s
  s.statusExecuted = lastExecuted
  out.send(id, { type: 'Status', view, active, stable: stable.index, executed: lastExecuted })
}

/** A window of batches a tick and peer, or some answers: whoever asks without end gets no more of us. */
export function mayServe(s: State, to: NodeId, batches: number): boolean {
  const { windowIndices, catchUpBatchesMax } = s.options
  const served = s.served.get(to) ?? 0
  if (served + batches > Math.max(windowIndices, ANSWERS_MIN * catchUpBatchesMax)) return false
  s.served.set(to, served + batches)
  return true
}

/** Likewise in bytes: a batch is as large as its requests, and asked for by its name alone. */
function mayGive(s: State, to: NodeId, bytes: number): boolean {
  const given = s.servedBytes.get(to) ?? 0
  if (given > 0 && given + bytes > ANSWER_BYTES_MAX) return false
  s.servedBytes.set(to, given + bytes)
  return true
}

function bytesOf(batch: Batch | null): number {
  let bytes = 0
  for (const request of batch?.requests ?? []) bytes += sizeOf(request)
  return bytes
}

export function onStatus(s: State, from: NodeId, m: Status, out: PbftOut): void {
  if (!mayServe(s, from, s.options.catchUpBatchesMax))
    return out.note({ rule: '5.2', event: 'asks-too-much', peer: from })
  helpIntoView(s, from, m, out)
  repeatVote(s, from, out)
  if (m.stable < s.stable.index && s.stable.checkpoints.length > 0)
    out.send(from, { type: 'StableCheckpoint', checkpoints: s.stable.checkpoints })
  for (const ofIndex of s.checkpoints.values()) {
    const own = ofIndex.get(s.id)
    if (own !== undefined && own.index > m.stable) out.send(from, own)
  }
  if (m.executed < s.lastExecuted) return sendCommitted(s, from, m.executed, out)
  if (m.view === s.view && m.active && s.active) repeatVotes(s, from, m.executed, out)
}

/** A new view shows for itself why it is one; and who asks for a view asks until it is there. */
function helpIntoView(s: State, from: NodeId, m: Status, out: PbftOut): void {
  if (m.view > s.view || (m.view === s.view && m.active)) return
  const proof = s.active ? s.newView : s.viewChange
  if (proof === null || (!s.active && proof.view !== s.view)) return
  if (mayGive(s, from, STATEMENT_BYTES * statementsOf(proof).length)) out.send(from, proof)
}

/** Some batches that the peer lacks, each with the commits that prove it. */
function sendCommitted(s: State, to: NodeId, executed: Index, out: PbftOut): void {
  const through = Math.min(executed + s.options.catchUpBatchesMax, s.lastExecuted)
  let bytes = 0
  for (let index = executed + 1; index <= through && bytes < CATCH_UP_BYTES_MAX; index++) {
    const slot = s.slots.get(index)
    const batch = slot === undefined ? undefined : committedBatch(slot)
    // Gone below a checkpoint: the peer fetches a snapshot, if it knows one that is vouched for.
    if (slot?.committed == null || batch === undefined) return offerSnapshot(s, to, executed, out)
    const size = bytesOf(batch)
    if (!mayGive(s, to, size)) return
    out.send(to, { type: 'CommittedBatch', commits: slot.committed, batch })
    bytes += size
  }
}

function offerSnapshot(s: State, to: NodeId, executed: Index, out: PbftOut): void {
  const votes = s.snapshotProof
  if (votes === null) s.askedInVainElapsed ??= 0
  else if ((votes[0]?.index ?? 0) > executed) out.send(to, { type: 'SnapshotProof', votes })
}

/** The same votes, byte for byte: what was lost on the way. */
function repeatVotes(s: State, to: NodeId, executed: Index, out: PbftOut): void {
  const through = Math.min(executed + s.options.catchUpBatchesMax, highWatermark(s))
  let bytes = 0
  for (let index = executed + 1; index <= through; index++) {
    const slot = s.slots.get(index)
    if (slot === undefined) continue
    const { proposed } = slot
    const batch = proposed === null ? undefined : slot.batches.get(proposed.digest)
    if (proposed !== null && batch != null && isPrimary(s) && bytes < REPEAT_BYTES_MAX) {
      const size = bytesOf(batch)
      if (mayGive(s, to, size)) out.send(to, { type: 'PrePrepare', proposed, batch })
      bytes += size
    }
    for (const vote of votesOf(slot, s.id)) if (vote.view === s.view) out.send(to, vote)
  }
}

/** Executed on the word of Q, in whatever view we are. */
export function onCommittedBatch(s: State, from: NodeId, m: CommittedBatch, out: PbftOut): void {
  const [first] = m.commits
  const index = first?.index ?? 0
  const problem = commitsProblem(m.commits, rulesOf(s))
  if (first === undefined || problem !== null || digestOf(s, m.batch) !== first.digest)
    return out.note({ rule: '4.2', event: 'malformed', index, detail: problem ?? 'another batch' })
  // Q may be far ahead of what we know to be stable; nobody needs more at once than we can execute soon.
  const farthest = Math.max(highWatermark(s), s.lastExecuted) + s.options.windowIndices
  if (index <= s.lastExecuted || index > farthest) return
  const slot = slotAt(s, index)
  if (slot.committed !== null && committedBatch(slot) !== undefined) return
  if (!slot.batches.has(first.digest)) {
    slot.batches.set(first.digest, m.batch)
    out.persist({ type: 'Body', index, batch: m.batch })
  }
  if (slot.committed === null) {
    slot.committed = m.commits
    out.persist({ type: 'Committed', commits: m.commits })
  }
  out.note({ rule: '4.2', event: 'catch-up', index })
  executeCommitted(s, out)
  // All that its answer held: the next at once, or a cluster in haste would never be caught up with.
  if (s.lastExecuted >= s.statusExecuted + s.options.catchUpBatchesMax) tell(s, from, out)
}

export function onFetchBatch(s: State, from: NodeId, m: FetchBatch, out: PbftOut): void {
  const batch = s.slots.get(m.index)?.batches.get(m.digest)
  if (batch == null) return
  if (!mayServe(s, from, 1) || !mayGive(s, from, bytesOf(batch)))
    return out.note({ rule: '5.2', event: 'asks-too-much', peer: from })
  out.send(from, { type: 'FetchedBatch', index: m.index, batch })
}

/** Taken only where we know which digest we want. */
export function onFetchedBatch(s: State, m: FetchedBatch, out: PbftOut): void {
  const slot = s.slots.get(m.index)
  if (slot === undefined) return
  const wanted = [slot.proposed?.digest, slot.committed?.[0]?.digest]
  // Nothing is hashed for whoever was not asked.
  if (wanted.every((digest) => digest === undefined || slot.batches.has(digest))) return
  const digest = digestOf(s, m.batch)
  if (!wanted.includes(digest) || slot.batches.has(digest)) return
  slot.batches.set(digest, m.batch)
  slot.fetchElapsed = null
  out.persist({ type: 'Body', index: m.index, batch: m.batch })
  out.note({ rule: '4.4', event: 'batch-fetched', index: m.index })
  prepare(s, slot, out)
  advance(s, slot, out)
  executeCommitted(s, out)
}
