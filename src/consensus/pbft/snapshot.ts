/**
 * Snapshots and who vouches for them (TOCS 2002 §5.3): every replica signs what its file at an index hashes to, and W
 * that agree vouch for it, whoever it comes from.
 */
import type { SnapshotMeta } from '../contract.js'
import type { Index, NodeId } from '../ids.js'
import { release } from './checkpoint.js'
import { takeSnapshot } from './execution.js'
import type { SnapshotVote } from './messages.js'
import { weakQuorum } from './quorum.js'
import { others, type PbftOut, type State } from './state.js'
import { countOnceDurable, signSnapshotVote } from './statements.js'

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
  vouch(s, out)
  prove(s)
  release(s, out)
}

/** What we say of the file that we have; null: we have none, or say nothing under this key. */
export function ownVote(s: State): SnapshotVote | null {
  if (s.snapshot === null || s.mute) return null
  const { index, digest, bytes, time } = s.snapshot
  return signSnapshotVote(s, { index, digest, bytes, time, history: s.snapshotHistory })
}

export function vouch(s: State, out: PbftOut): void {
  const vote = ownVote(s)
  if (vote === null) return
  countOnceDurable(s, vote)
  for (const id of others(s)) out.send(id, vote)
}

/** Until our file is proven, whoever tells how far it is hears our vote again: votes are lost, and restarts forget them. */
export function repeatVote(s: State, to: NodeId, out: PbftOut): void {
  const own = s.snapshotVotes.get(s.snapshot?.index ?? 0)?.get(s.id)
  if (s.snapshotProof === null && own !== undefined) out.send(to, own)
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
  // A liar may speak of any index, and pushes out nothing but its own. The oldest goes:
  // 1. We are cut off, and hear of n2 its votes for 10, 20 and 30, of n3 those for 40, 50 and 60. 2. Kept, they make no
  // W for any index, and newer ones find no room. 3. We never learn of a state to fetch.
  const indices = [...s.snapshotVotes].filter(([, of]) => of.has(vote.sender)).map(([at]) => at)
  if (indices.length <= VOTES_OF_SENDER_MAX) return
  forget(s, Math.min(...indices), vote.sender)
}

function forget(s: State, index: Index, sender: NodeId): void {
  const of = s.snapshotVotes.get(index)
  of?.delete(sender)
  if (of?.size === 0) s.snapshotVotes.delete(index)
}

/**
 * 1. f are gone. Of the Q that are left one is behind the batches that are kept, and the files of the others are of
 * different indices: some could not be written, and who had written the one before lost power. 2. No W vouch for one
 * file, so the one behind gets no state; without it nothing is executed, and no other file would ever be written.
 * So whoever is asked in vain for long, and has executed nothing meanwhile, writes one where it stands, which is where all
 * stand who are not behind. A liar that asks without need makes us write one in as much time as the longest patience,
 * and only while nothing goes on.
 */
export function tickAskedInVain(s: State, out: PbftOut): void {
  if (s.askedInVainElapsed === null) return
  if (++s.askedInVainElapsed < s.options.viewChangeTicksMax) return
  s.askedInVainElapsed = null
  if (s.diverged || s.lastExecuted <= (s.snapshot?.index ?? 0)) return
  out.note({ rule: '5.3', event: 'asked-in-vain', index: s.lastExecuted })
  takeSnapshot(s, out)
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
export function agreeing(s: State, index: Index): readonly SnapshotVote[] | null {
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
