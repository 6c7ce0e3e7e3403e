/**
 * Checkpoints (TOCS 2002 §4.3): every so many indices the replicas tell the digest of their state; what Q tell is
 * stable, and what led to it may go. A replica that sees itself left behind a certified state fetches it.
 */
import { toHex } from '../../base/bytes.js'
import { utf8Encode } from '../../base/utf8.js'
import type { SnapshotMeta } from '../contract.js'
import type { Index, NodeId } from '../ids.js'
import { executeCommitted } from './execution.js'
import type { Checkpoint, Digest } from './messages.js'
import { advance, inWindow, prepare, proposeQueued } from './ordering.js'
import { type Rules, stableProblem } from './proofs.js'
import { quorum, weakQuorum } from './quorum.js'
import { others, type PbftOut, type State } from './state.js'
import { countOnceDurable, signCheckpoint } from './statements.js'

/** Ticks for which a certified state ahead of us may come nearer by itself. */
const BEHIND_TICKS_MAX = 25

export function rulesOf(s: State): Rules {
  return { replicas: s.replicas, epoch: s.epoch, windowIndices: s.options.windowIndices }
}

/** The machine's state behind `index`, as it tells it. Its batches and a snapshot before them are on disk: it can be had again. */
export function onCheckpointTaken(
  s: State,
  at: { index: Index; digest: string },
  out: PbftOut,
): void {
  if (at.index <= s.stable.index) return
  const digest = toHex(s.options.crypto.digest(utf8Encode(at.digest)))
  s.ownDigests.set(at.index, digest)
  out.note({ rule: '4.3', event: 'checkpoint-taken', index: at.index })
  if (s.mute) return out.note({ rule: '1.12', event: 'vote-withheld', index: at.index })
  const checkpoint = signCheckpoint(s, at.index, digest)
  countOnceDurable(s, checkpoint)
  for (const id of others(s)) out.send(id, checkpoint)
  settle(s, at.index, out)
}

export function onCheckpoint(s: State, m: Checkpoint, out: PbftOut): void {
  const about = { rule: '4.3', peer: m.sender, index: m.index }
  if (m.epoch !== s.epoch || !s.replicas.includes(m.sender))
    return out.note({ ...about, event: 'malformed' })
  if (m.index <= s.stable.index || m.index % s.options.checkpointInterval !== 0)
    return out.note({ ...about, event: 'stale-message' })
  addCheckpoint(s, m)
  settle(s, m.index, out)
}

/** Of each sender the first for an index, and not more than a window's worth of indices: the newest. */
function addCheckpoint(s: State, m: Checkpoint): void {
  let ofIndex = s.checkpoints.get(m.index)
  if (ofIndex === undefined) {
    ofIndex = new Map()
    s.checkpoints.set(m.index, ofIndex)
  }
  if (!ofIndex.has(m.sender)) ofIndex.set(m.sender, m)
  boundOfSender(s, m.sender)
}

/** A liar may speak of any index: what one sender makes us keep is bounded. */
function boundOfSender(s: State, sender: NodeId): void {
  const max = 1 + Math.ceil(s.options.windowIndices / s.options.checkpointInterval)
  const indices = [...s.checkpoints].filter(([, of]) => of.has(sender)).map(([index]) => index)
  if (indices.length <= max) return
  // The farthest goes: what is near is what an honest sender speaks of.
  const farthest = Math.max(...indices)
  const of = s.checkpoints.get(farthest)
  of?.delete(sender)
  if (of?.size === 0) s.checkpoints.delete(farthest)
}

/** Q checkpoints at once, from a peer that saw them first. */
export function onStableCheckpoint(
  s: State,
  checkpoints: readonly Checkpoint[],
  out: PbftOut,
): void {
  const problem = stableProblem(checkpoints, rulesOf(s))
  const index = checkpoints[0]?.index ?? 0
  if (problem !== null) return out.note({ rule: '4.3', event: 'malformed', detail: problem })
  if (index <= s.stable.index) return
  // Each was verified for itself; what a sender said first does not count against Q that agree.
  const ofIndex = s.checkpoints.get(index) ?? new Map<NodeId, Checkpoint>()
  for (const one of checkpoints) ofIndex.set(one.sender, one)
  s.checkpoints.set(index, ofIndex)
  settle(s, index, out)
}

/** Is the checkpoint at `index` stable now, or does it show that we differ? */
export function settle(s: State, index: Index, out: PbftOut): void {
  const certificate = agreeing(s, index, quorum(s.replicas.length))
  const own = s.ownDigests.get(index)
  if (certificate === null || own === undefined) return
  const digest = certificate[0]?.digest ?? ''
  if (digest !== own) return diverge(s, index, out)
  makeStable(s, certificate, out)
}

/** Of one index: so many checkpoints with one digest, or null. */
function agreeing(s: State, index: Index, needed: number): readonly Checkpoint[] | null {
  const byDigest = new Map<Digest, Checkpoint[]>()
  for (const one of s.checkpoints.get(index)?.values() ?? []) {
    const group = byDigest.get(one.digest)
    if (group === undefined) byDigest.set(one.digest, [one])
    else group.push(one)
  }
  for (const group of byDigest.values()) if (group.length >= needed) return group.slice(0, needed)
  return null
}

/** Our machine is not in the state that Q are in: it executes nothing more, and gets theirs. */
function diverge(s: State, index: Index, out: PbftOut): void {
  if (s.diverged) return
  s.diverged = true
  out.note({ rule: '4.3', event: 'state-diverged', index })
  s.behindElapsed = BEHIND_TICKS_MAX
}

/** h moves up: what is at or below it is over. */
export function makeStable(s: State, checkpoints: readonly Checkpoint[], out: PbftOut): void {
  const [first] = checkpoints
  if (first === undefined || first.index <= s.stable.index) return
  const before = s.stable.index
  s.stable = { index: first.index, digest: first.digest, checkpoints }
  out.persist({ type: 'Stable', checkpoints })
  out.note({ rule: '4.3', event: 'checkpoint-stable', index: first.index })
  // One interval stays, for those who are a little behind.
  for (const [index, slot] of s.slots) if (index <= before && slot.executed) s.slots.delete(index)
  for (const index of s.checkpoints.keys()) if (index <= first.index) s.checkpoints.delete(index)
  for (const index of s.ownDigests.keys()) if (index <= first.index) s.ownDigests.delete(index)
  release(s, out)
  // What lay beyond the window may lie in it now.
  for (const slot of [...s.slots.values()]) {
    if (!inWindow(s, slot.index)) continue
    prepare(s, slot, out)
    advance(s, slot, out)
  }
  proposeQueued(s, out)
}

/** The log below the snapshot file goes, not the log below h: it leads from the one to the other. */
function release(s: State, out: PbftOut): void {
  const through = Math.min(s.snapshot?.index ?? 0, s.stable.index)
  if (through > 0) out.release(through)
}

export function onSnapshotTaken(s: State, snapshot: SnapshotMeta, out: PbftOut): void {
  if (s.takingSnapshot?.index === snapshot.index) s.takingSnapshot = null
  if (snapshot.index <= (s.snapshot?.index ?? 0)) return
  s.snapshot = snapshot
  out.persist({ type: 'SnapshotTaken', snapshot })
  out.note({ rule: '4.3', event: 'snapshot-taken', index: snapshot.index })
  release(s, out)
}

/** Behind a state that W vouch for, for long, and nobody sends the batches: ask for the state itself. */
export function tickBehind(s: State, out: PbftOut): void {
  const target = certifiedAhead(s)
  if (target === null) {
    s.behindElapsed = 0
    return
  }
  s.behindElapsed++
  if (s.behindElapsed < BEHIND_TICKS_MAX || s.fetching?.busy === true) return
  s.behindElapsed = 0
  fetchState(s, target, out)
}

interface Target {
  readonly index: Index
  readonly digest: Digest
  readonly sources: readonly NodeId[]
}

/** The highest index that W replicas vouch for, above what we have executed. */
function certifiedAhead(s: State): Target | null {
  let best = stableAhead(s)
  for (const index of s.checkpoints.keys()) {
    if (index <= s.lastExecuted && !s.diverged) continue
    if (best !== null && index <= best.index) continue
    const group = agreeing(s, index, weakQuorum(s.replicas.length))
    const digest = group?.[0]?.digest
    if (group === null || digest === undefined || s.ownDigests.get(index) === digest) continue
    best = { index, digest, sources: group.map((one) => one.sender).filter((id) => id !== s.id) }
  }
  return best
}

/** Q vouch for our own h, and our machine is not there: its file was lost. */
function stableAhead(s: State): Target | null {
  const { index, digest, checkpoints } = s.stable
  if (index <= s.lastExecuted) return null
  return {
    index,
    digest,
    sources: checkpoints.map((one) => one.sender).filter((id) => id !== s.id),
  }
}

function fetchState(s: State, target: Target, out: PbftOut): void {
  if (target.sources.length === 0) return
  const before = s.fetching
  const asked = before?.index === target.index ? before.asked + 1 : 0
  s.fetching = { ...target, asked, busy: true }
  const from = target.sources[asked % target.sources.length] ?? ''
  const { index, digest } = target
  const meta = { index, term: 0, time: 0, configuration: s.configuration, digest, bytes: 0 }
  out.fetchSnapshot(from, meta)
  out.note({ rule: '5.3', event: 'fetching-state', peer: from, index })
}

/** Verified against the digest that W signed. It sets what is executed, never h: that takes Q. */
export function onSnapshotReceived(s: State, snapshot: SnapshotMeta, out: PbftOut): void {
  const { fetching } = s
  s.fetching = null
  if (fetching === null || fetching.index !== snapshot.index) return
  if (snapshot.index <= s.lastExecuted && !s.diverged) return
  s.snapshot = snapshot
  s.lastExecuted = snapshot.index
  s.agreedTime = Math.max(s.agreedTime, snapshot.time)
  s.diverged = false
  s.ownDigests.set(snapshot.index, fetching.digest)
  // What of it was executed meanwhile nobody can tell; the host ends what its clients wait for (PROTOCOL 2).
  s.waiting.clear()
  for (const [index, slot] of s.slots) {
    if (index > snapshot.index) continue
    slot.executed = true
    if (index <= s.stable.index) s.slots.delete(index)
  }
  out.persist({ type: 'SnapshotInstalled', snapshot, digest: fetching.digest })
  out.restore(snapshot)
  out.note({ rule: '5.3', event: 'state-fetched', index: snapshot.index })
  settle(s, snapshot.index, out)
  release(s, out)
  executeCommitted(s, out)
}

export function onSnapshotFailed(
  s: State,
  snapshot: SnapshotMeta,
  peer: NodeId | null,
  out: PbftOut,
): void {
  if (peer === null) {
    if (s.takingSnapshot?.index === snapshot.index) s.takingSnapshot = null
    return out.note({ rule: '4.3', event: 'snapshot-failed', index: snapshot.index })
  }
  if (s.fetching === null || s.fetching.index !== snapshot.index) return
  s.fetching = { ...s.fetching, busy: false }
  out.note({ rule: '5.3', event: 'fetch-failed', peer, index: snapshot.index })
}

/** What we ourselves said, once it is on disk. */
export function countOwnCheckpoint(s: State, own: Checkpoint, out: PbftOut): void {
  if (own.index <= s.stable.index) return
  addCheckpoint(s, own)
  settle(s, own.index, out)
}
