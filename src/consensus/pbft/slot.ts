/**
 * One index of the log: what is proposed there, who voted how, and what that proves. Pure leaves; who may vote at all
 * is decided before.
 *
 * Invariants
 * 1. One vote a replica and view: the first counts, another digest is evidence.
 * 2. `prepared` has the highest view in which this index was prepared here; it never goes back.
 * 3. `committed` never changes.
 */
import type { Index, NodeId } from '../ids.js'
import type { Batch, Commit, Digest, Prepare, PreparedCertificate, Proposed } from './messages.js'

export interface Slot {
  readonly index: Index
  /** What we accepted, in the view it names. */
  proposed: Proposed | null
  /** Batches known for this index by digest; null: the null batch. At most one a view that was accepted. */
  readonly batches: Map<Digest, Batch | null>
  /** The newest of each backup. */
  readonly prepares: Map<NodeId, Prepare>
  /** The newest of each replica. */
  readonly commits: Map<NodeId, Commit>
  /** In which view we said PREPARE and COMMIT last; null: never. */
  preparedIn: number | null
  committedIn: number | null
  prepared: PreparedCertificate | null
  /** Q commits of one view and digest. */
  committed: readonly Commit[] | null
  executed: boolean
  /** Ticks since it was proposed in this view and not executed. */
  elapsed: number
  /** Ticks since its batch was asked for; null: it was not. */
  fetchElapsed: number | null
}

export function newSlot(index: Index): Slot {
  return {
    index,
    proposed: null,
    batches: new Map(),
    prepares: new Map(),
    commits: new Map(),
    preparedIn: null,
    committedIn: null,
    prepared: null,
    committed: null,
    executed: false,
    elapsed: 0,
    fetchElapsed: null,
  }
}

export type VoteVerdict = 'counted' | 'known' | 'stale' | 'equivocation'

/** Keeps the newest vote of each sender; of two in one view the first. */
export function addVote<V extends Prepare | Commit>(votes: Map<NodeId, V>, vote: V): VoteVerdict {
  const known = votes.get(vote.sender)
  if (known === undefined || known.view < vote.view) {
    votes.set(vote.sender, vote)
    return 'counted'
  }
  if (known.view > vote.view) return 'stale'
  return known.digest === vote.digest ? 'known' : 'equivocation'
}

/** The prepares that go with the proposal, of backups of its view only: the primary's vote is the proposal. */
export function preparesFor(slot: Slot, proposed: Proposed): Prepare[] {
  return [...slot.prepares.values()].filter(
    (vote) =>
      vote.view === proposed.view &&
      vote.digest === proposed.digest &&
      vote.sender !== proposed.sender,
  )
}

/** prepared(batch, v, n): the certificate if Q replicas, the primary among them, stand for the proposal. */
export function preparedCertificate(slot: Slot, q: number): PreparedCertificate | null {
  const { proposed } = slot
  if (proposed === null || slot.prepares.size < q - 1) return null
  const prepares = preparesFor(slot, proposed)
  return prepares.length >= q - 1 ? { proposed, prepares: prepares.slice(0, q - 1) } : null
}

/** Q commits of one view and digest, if there are; whatever our own view. */
export function commitCertificate(slot: Slot, q: number): readonly Commit[] | null {
  if (slot.commits.size < q) return null
  const commits = [...slot.commits.values()]
  for (const { view, digest } of commits) {
    const same = commits.filter((one) => one.view === view && one.digest === digest)
    if (same.length >= q) return same.slice(0, q)
  }
  return null
}

/** What was committed here; undefined: nothing is, or its batch is not known. */
export function committedBatch(slot: Slot): Batch | null | undefined {
  const digest = slot.committed?.[0]?.digest
  return digest === undefined ? undefined : slot.batches.get(digest)
}

/** The votes of the new view begin anew; what older views proved stays. */
export function enterView(slot: Slot): void {
  slot.proposed = null
  slot.elapsed = 0
  slot.fetchElapsed = null
}
