/**
 * Snapshots, and how a replica that was left behind gets one (TOCS 2002 §5.3): every replica signs what its file at an
 * index hashes to, and W that agree vouch for it, whoever it comes from. One that lies about its file costs one try.
 */
import type { SnapshotMeta } from '../contract.js'
import type { Index, NodeId } from '../ids.js'
import { release, settle } from './checkpoint.js'
import { executeCommitted } from './execution.js'
import type { SnapshotVote } from './messages.js'
import { weakQuorum } from './quorum.js'
import { others, type PbftOut, type State } from './state.js'
import { countOnceDurable, signSnapshotVote } from './statements.js'

/** Ticks for which a snapshot ahead of us may become needless by itself. */
const BEHIND_TICKS_MAX = 25
/** Of one sender, votes for so many indices are kept. */
const VOTES_OF_SENDER_MAX = 3

export function onSnapshotTaken(s: State, snapshot: SnapshotMeta, out: PbftOut): void {
  if (s.takingSnapshot?.index === snapshot.index) s.takingSnapshot = null
  const history = s.histories.get(snapshot.index)
  if (snapshot.index <= (s.snapshot?.index ?? 0) || history === undefined) return
  s.snapshot = snapshot
  s.snapshotHistory = history
  s.snapshotProof = null
  out.persist({ type: 'SnapshotTaken', snapshot, history })
  out.note({ rule: '4.3', event: 'snapshot-taken', index: snapshot.index })
  if (!s.mute) {
    const { index, digest, bytes, time } = snapshot
    const vote = signSnapshotVote(s, { index, digest, bytes, time, history })
    countOnceDurable(s, vote)
    for (const id of others(s)) out.send(id, vote)
  }
  prove(s)
  release(s, out)
}

export function onSnapshotVotes(s: State, votes: readonly SnapshotVote[], out: PbftOut): void {
  for (const vote of votes) {
    if (vote.epoch !== s.epoch || !s.replicas.includes(vote.sender)) {
      out.note({ rule: '5.3', event: 'malformed', peer: vote.sender, index: vote.index })
      continue
    }
    // Ours is kept to prove the file that we have; of others what is ahead of us too.
    if (vote.index < (s.snapshot?.index ?? 0)) continue
    addVote(s, vote)
  }
  prove(s)
}

function addVote(s: State, vote: SnapshotVote): void {
  const ofIndex = s.snapshotVotes.get(vote.index) ?? new Map<NodeId, SnapshotVote>()
  if (!ofIndex.has(vote.sender)) ofIndex.set(vote.sender, vote)
  s.snapshotVotes.set(vote.index, ofIndex)
  // A liar may speak of any index: the farthest of its votes goes.
  const indices = [...s.snapshotVotes].filter(([, of]) => of.has(vote.sender)).map(([at]) => at)
  if (indices.length <= VOTES_OF_SENDER_MAX) return
  forget(s, Math.max(...indices), vote.sender)
}

function forget(s: State, index: Index, sender: NodeId): void {
  const of = s.snapshotVotes.get(index)
  of?.delete(sender)
  if (of?.size === 0) s.snapshotVotes.delete(index)
}

/** W votes for the very file that we have: what others need to believe it. */
function prove(s: State): void {
  const { snapshot } = s
  if (snapshot === null) return
  for (const index of s.snapshotVotes.keys())
    if (index < snapshot.index) s.snapshotVotes.delete(index)
  if (s.snapshotProof !== null) return
  const proof = agreeing(s, snapshot.index)
  if (proof?.[0]?.digest === snapshot.digest) s.snapshotProof = proof
}

/** W votes of one index that say the same in everything; null: there are none. */
function agreeing(s: State, index: Index): readonly SnapshotVote[] | null {
  const groups = new Map<string, SnapshotVote[]>()
  for (const vote of s.snapshotVotes.get(index)?.values() ?? []) {
    const key = `${vote.digest} ${vote.bytes} ${vote.time} ${vote.history}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [vote])
    else group.push(vote)
  }
  const needed = weakQuorum(s.replicas.length)
  for (const group of groups.values()) if (group.length >= needed) return group
  return null
}

/** Behind a snapshot that W vouch for, for long, and nobody sends the batches: get it. */
export function tickBehind(s: State, out: PbftOut): void {
  const proof = proofAhead(s)
  if (proof === null) {
    s.behindElapsed = 0
    return
  }
  s.behindElapsed++
  if (s.fetching?.busy === true) return
  if (s.behindElapsed < BEHIND_TICKS_MAX && !s.diverged) return
  s.behindElapsed = 0
  fetch(s, proof, out)
}

function proofAhead(s: State): readonly SnapshotVote[] | null {
  let best: readonly SnapshotVote[] | null = null
  for (const index of s.snapshotVotes.keys()) {
    if (index <= s.lastExecuted && !s.diverged) continue
    const proof = agreeing(s, index)
    if (proof !== null && index > (best?.[0]?.index ?? 0)) best = proof
  }
  return best
}

function fetch(s: State, proof: readonly SnapshotVote[], out: PbftOut): void {
  const [first] = proof
  const sources = proof.map((vote) => vote.sender).filter((id) => id !== s.id)
  if (first === undefined || sources.length === 0) return
  const before = s.fetching
  const asked = before?.proof[0]?.index === first.index ? before.asked + 1 : 0
  s.fetching = { proof, asked, busy: true }
  const from = sources[asked % sources.length] ?? ''
  const { index, digest, bytes, time } = first
  out.fetchSnapshot(from, { index, term: 0, time, configuration: s.configuration, digest, bytes })
  out.note({ rule: '5.3', event: 'fetching-state', peer: from, index })
}

/** On disk, and the very file that W vouch for. It sets what is executed, never h: that takes Q. */
export function onSnapshotReceived(s: State, snapshot: SnapshotMeta, out: PbftOut): void {
  const { fetching } = s
  const vote = fetching?.proof[0]
  s.fetching = null
  if (vote === undefined || vote.index !== snapshot.index || vote.digest !== snapshot.digest)
    return out.note({ rule: '5.3', event: 'fetch-failed', index: snapshot.index })
  if (snapshot.index <= s.lastExecuted && !s.diverged) return
  s.snapshot = { ...snapshot, time: vote.time, configuration: s.configuration }
  s.snapshotHistory = vote.history
  s.snapshotProof = fetching?.proof ?? null
  s.lastExecuted = snapshot.index
  s.history = vote.history
  s.restoredThrough = snapshot.index
  s.agreedTime = Math.max(s.agreedTime, vote.time)
  s.diverged = false
  s.takingSnapshot = null
  s.ownDigests.clear()
  // What of it was executed meanwhile nobody can tell; the host ends what its clients wait for (PROTOCOL 2).
  s.waiting.clear()
  for (const [index, slot] of s.slots) {
    if (index > snapshot.index) continue
    slot.executed = true
    if (index <= s.stable.index) s.slots.delete(index)
  }
  out.persist({ type: 'SnapshotInstalled', snapshot: s.snapshot, history: vote.history })
  out.restore(s.snapshot)
  out.note({ rule: '5.3', event: 'state-fetched', index: snapshot.index })
  for (const index of [...s.checkpoints.keys()].sort((a, b) => a - b)) settle(s, index, out)
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
  if (s.fetching === null || s.fetching.proof[0]?.index !== snapshot.index) return
  s.fetching = { ...s.fetching, busy: false }
  out.note({ rule: '5.3', event: 'fetch-failed', peer, index: snapshot.index })
}
