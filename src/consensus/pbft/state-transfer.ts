/**
 * How a replica that was left behind gets the state (TOCS 2002 §5.3): it fetches a snapshot that W vouch for, from one
 * replica after the other. None of them is special, and one that lies, or says nothing, costs one try.
 */
import type { SnapshotMeta } from '../contract.js'
import type { Index, NodeId } from '../ids.js'
import { release, settle, takeRestoredCheckpoint } from './checkpoint.js'
import { executeCommitted } from './execution.js'
import type { SnapshotVote } from './messages.js'
import { agreeing, onSnapshotVotes, vouch } from './snapshot.js'
import { type Fetching, others, type PbftOut, type State } from './state.js'
import { mayServe, tell } from './status.js'

/** Ticks for which a snapshot ahead of us may become needless by itself, or who failed may get well. */
const BEHIND_TICKS_MAX = 25

/** Behind a snapshot that W vouch for, for long, and nobody sends the batches: get it. */
export function tickBehind(s: State, out: PbftOut): void {
  const newest = newestAhead(s)
  if (newest === null) {
    s.behindElapsed = 0
    return
  }
  s.behindElapsed++
  const { fetching } = s
  if (fetching?.from != null) return
  // What is begun goes on with the next source at once; when all have failed, with what is the newest then.
  const goesOn =
    fetching !== null && isAhead(s, indexOf(fetching.proof)) && untried(s, fetching).length > 0
  if (goesOn) return fetch(s, fetching, out)
  const atOnce = s.diverged && fetching === null
  if (s.behindElapsed < BEHIND_TICKS_MAX && !atOnce) return
  fetch(s, { proof: newest, failed: [], from: null }, out)
}

function indexOf(proof: readonly SnapshotVote[] | null): Index {
  return proof?.[0]?.index ?? 0
}

function isAhead(s: State, index: Index): boolean {
  // Under the index of our own file no other is written: the log vouches for ours.
  return index > (s.snapshot?.index ?? 0) && (index > s.lastExecuted || s.diverged)
}

function newestAhead(s: State): readonly SnapshotVote[] | null {
  let best: readonly SnapshotVote[] | null = null
  for (const index of s.snapshotVotes.keys()) {
    if (!isAhead(s, index) || index <= indexOf(best)) continue
    best = agreeing(s, index) ?? best
  }
  return best
}

/** Whom this snapshot was not asked of in vain, best first: who failed least, who signed it, who comes after us. */
function untried(s: State, { proof, failed }: Fetching): NodeId[] {
  const signers = new Set(proof.map((vote) => vote.sender))
  const own = s.replicas.indexOf(s.id)
  const behindUs = [...s.replicas.slice(own + 1), ...s.replicas.slice(0, own)]
  const rank = (id: NodeId): number =>
    2 * (s.sourceFailures.get(id) ?? 0) + (signers.has(id) ? 0 : 1)
  return behindUs.filter((id) => !failed.includes(id)).sort((a, b) => rank(a) - rank(b))
}

function fetch(s: State, fetching: Fetching, out: PbftOut): void {
  const [vote] = fetching.proof
  const [from] = untried(s, fetching)
  if (vote === undefined || from === undefined) return
  s.behindElapsed = 0
  s.fetching = { ...fetching, from }
  const { index, digest, bytes, time } = vote
  out.fetchSnapshot(from, { index, term: 0, time, configuration: s.configuration, digest, bytes })
  out.note({ rule: '5.3', event: 'fetching-state', peer: from, index })
}

/** Said again although we have it and are proven: its sender still looks for votes. */
export function onSnapshotVote(s: State, from: NodeId, vote: SnapshotVote, out: PbftOut): void {
  const votes = s.snapshotProof
  const again = s.snapshotVotes.get(vote.index)?.has(from) === true && from === vote.sender
  if (again && votes !== null && vote.index === s.snapshot?.index && mayServe(s, from, 1))
    out.send(from, { type: 'SnapshotProof', votes })
  onSnapshotVotes(s, [vote], out)
}

/** On disk, and the very file that W vouch for. It sets what is executed, never h: that takes Q. */
export function onSnapshotReceived(
  s: State,
  from: NodeId,
  snapshot: SnapshotMeta,
  out: PbftOut,
): void {
  const proof = s.fetching?.proof ?? null
  const vote = proof?.[0]
  s.fetching = null
  if (vote === undefined || vote.index !== snapshot.index || vote.digest !== snapshot.digest)
    return out.note({ rule: '5.3', event: 'fetch-failed', index: snapshot.index })
  s.sourceFailures.delete(from)
  if (!isAhead(s, vote.index)) return
  s.snapshot = { ...snapshot, time: vote.time, configuration: s.configuration }
  s.snapshotHistory = vote.history
  s.snapshotProof = proof
  s.lastExecuted = snapshot.index
  s.askedInVainElapsed = null
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
  takeRestoredCheckpoint(s, out)
  out.note({ rule: '5.3', event: 'state-fetched', index: snapshot.index })
  vouch(s, out)
  for (const index of [...s.checkpoints.keys()].sort((a, b) => a - b)) settle(s, index, out)
  release(s, out)
  executeCommitted(s, out)
  // The batches from here to now: whoever has them sends them.
  for (const id of others(s)) tell(s, id, out)
}

export function onSnapshotFailed(
  s: State,
  snapshot: { readonly index: Index },
  peer: NodeId | null,
  out: PbftOut,
): void {
  const { index } = snapshot
  if (peer === null) {
    if (s.takingSnapshot?.index === index) s.takingSnapshot = null
    return out.note({ rule: '4.3', event: 'snapshot-failed', index })
  }
  const { fetching } = s
  if (fetching?.from !== peer || fetching.proof[0]?.index !== index) return
  s.sourceFailures.set(peer, (s.sourceFailures.get(peer) ?? 0) + 1)
  s.fetching = { ...fetching, failed: [...fetching.failed, peer], from: null }
  s.behindElapsed = 0
  out.note({ rule: '5.3', event: 'fetch-failed', peer, index })
}
