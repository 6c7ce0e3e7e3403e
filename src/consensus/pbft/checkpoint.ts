/**
 * Checkpoints (TOCS 2002 §4.3): every so many indices the replicas tell the digest of their state; what Q tell is
 * stable, and what led to it may go. A replica that sees itself left behind a certified state fetches it.
 */
import { toHex } from '../../base/bytes.js'
import type { Index, NodeId } from '../ids.js'
import { stateBytes } from './encoding.js'
import type { Checkpoint, Digest } from './messages.js'
import { advance, inWindow, prepare, proposeQueued } from './ordering.js'
import { type Rules, stableProblem } from './proofs.js'
import { quorum } from './quorum.js'
import { others, type PbftOut, type State } from './state.js'
import { countOnceDurable, signCheckpoint } from './statements.js'

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
  const history = s.histories.get(at.index)
  if (history === undefined) return
  const digest = toHex(s.options.crypto.digest(stateBytes(history, at.digest)))
  s.ownDigests.set(at.index, digest)
  out.note({ rule: '4.3', event: 'checkpoint-taken', index: at.index })
  if (s.mute) return out.note({ rule: 'PROTOCOL 5', event: 'vote-withheld', index: at.index })
  const checkpoint = signCheckpoint(s, at.index, digest)
  for (const id of others(s)) out.send(id, checkpoint)
  // Where nothing waits for the disk it counts now: no batch of ours may ever be written again before it is stable.
  if (s.persistedBatch === s.batch) countOwnCheckpoint(s, checkpoint, out)
  else countOnceDurable(s, checkpoint)
  settle(s, at.index, out)
}

/**
 * Of a snapshot that was restored, too:
 * 1. All have a snapshot at 30, and have said CHECKPOINT(30); it is stable nowhere yet. 2. All lose power. 3. Nobody
 * executes 30 again, so unless they say it of the snapshot, h stays, the window fills, and nothing goes on.
 */
export function takeRestoredCheckpoint(s: State, out: PbftOut): void {
  const index = s.snapshot?.index ?? 0
  if (index <= s.stable.index || index % s.options.checkpointInterval !== 0) return
  s.histories.set(index, s.snapshotHistory)
  out.takeCheckpoint(index)
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
  if (certificate === null) return
  const own = s.ownDigests.get(index)
  // What we have from others has no digest of ours: W vouched for it.
  if (own === undefined && index > s.restoredThrough) return
  if (own !== undefined && certificate[0]?.digest !== own) return diverge(s, index, out)
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
}

/** h moves up: what is at or below it is over. */
export function makeStable(s: State, checkpoints: readonly Checkpoint[], out: PbftOut): void {
  const [first] = checkpoints
  if (first === undefined || first.index <= s.stable.index) return
  s.stable = { index: first.index, digest: first.digest, checkpoints }
  out.persist({ type: 'Stable', checkpoints })
  out.note({ rule: '4.3', event: 'checkpoint-stable', index: first.index })
  for (const index of s.checkpoints.keys()) if (index <= first.index) s.checkpoints.delete(index)
  for (const index of s.ownDigests.keys()) if (index <= first.index) s.ownDigests.delete(index)
  for (const index of s.histories.keys())
    if (index < first.index && index !== s.takingSnapshot?.index) s.histories.delete(index)
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
export function release(s: State, out: PbftOut): void {
  const through = Math.min(s.snapshot?.index ?? 0, s.stable.index)
  if (through === 0) return
  out.release(through)
  // One interval stays, for those who are a little behind, and all that leads on from the snapshot.
  const needless = Math.min(through, s.stable.index - s.options.checkpointInterval)
  for (const [index, slot] of s.slots) if (index <= needless && slot.executed) s.slots.delete(index)
}

/** What we ourselves said, once it is on disk. */
export function countOwnCheckpoint(s: State, own: Checkpoint, out: PbftOut): void {
  if (own.index <= s.stable.index) return
  addCheckpoint(s, own)
  settle(s, own.index, out)
}
