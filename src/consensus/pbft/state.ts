/** The state of one PBFT replica: plain data, grouped by what survives a restart. */
import type { Configuration, Request, SnapshotMeta } from '../contract.js'
import { compareNodeIds, type Index, type NodeId } from '../ids.js'
import type { Out } from '../out.js'
import type {
  Checkpoint,
  Commit,
  Digest,
  Message,
  NewView,
  PrePrepare,
  Prepare,
  SnapshotVote,
  ViewChange,
} from './messages.js'
import type { PbftNote } from './notes.js'
import type { Options } from './options.js'
import { primaryOf } from './quorum.js'
import type { WalRecord } from './records.js'
import type { Slot } from './slot.js'

/** h and what proves it; nothing does for 0. */
export interface Stable {
  readonly index: Index
  readonly digest: Digest
  readonly checkpoints: readonly Checkpoint[]
}

/** A request that waits for its execution. */
export interface Waiting {
  readonly request: Request
  /** A client asked us; else a peer told us. */
  own: boolean
  /** Ticks in this view. */
  elapsed: number
  /** Ticks since everybody was told, and how often that was. */
  toldElapsed: number
  told: number
  /** The view whose primary we handed it to last; null: none's. */
  handedIn: number | null
  /** The view in which its primary gave it an index, as we saw; null: none. */
  proposedIn: number | null
}

/** What we signed: it counts here once the batch that holds it is on disk, as it leaves only then. */
export interface OwnStatement {
  readonly batch: number
  readonly statement: Prepare | Commit | Checkpoint | SnapshotVote | ViewChange
}

export interface Primary {
  /** Not yet proposed, in the order of arrival. */
  queue: Request[]
  /** Ids of what this view has proposed and not executed: a client's retry is not proposed twice. */
  readonly proposed: Set<string>
  /** The last index that was given out. */
  lastProposed: Index
  timedBatch: { index: Index; time: number }
}

/** A snapshot that W vouch for: one replica after the other is asked for it. */
export interface Fetching {
  readonly proof: readonly SnapshotVote[]
  /** Who was asked in vain. */
  readonly failed: readonly NodeId[]
  /** The host is at it with this one; null: it is not. */
  readonly from: NodeId | null
}

export interface State {
  readonly id: NodeId
  readonly incarnation: number
  readonly options: Options
  configuration: Configuration
  /** In the bytewise order of their names: primary(v) is number v mod n. */
  replicas: readonly NodeId[]
  readonly epoch: number

  // On disk.
  /** The view that we are in or, when not active, ask for. */
  view: number
  active: boolean
  stable: Stable
  /** By index, above the last snapshot; (h, H] is what is voted on. */
  readonly slots: Map<Index, Slot>
  /** By which the view became ours; null in view 0. */
  newView: NewView | null
  /**
   * min-s: what the view's NEW-VIEW proves to be stable. Nothing at or below it is voted on in this view, whether we have
   * that state or not (OSDI 1999 §4.4):
   * 1. Q signed the checkpoint at 4, and two of them restart: they have not executed up to 4 again yet. 2. The primary
   * of view 1, a liar, shows that checkpoint in its NEW-VIEW, and then proposes another batch for 3. 3. With the votes of
   * the two it would be committed, and who was behind would execute it.
   */
  floor: Index
  /** The last that we said. */
  viewChange: ViewChange | null
  snapshot: SnapshotMeta | null
  /** Of what the snapshot covers. */
  snapshotHistory: Digest
  /** The disk lost what we had promised: never again a signature under this key. */
  mute: boolean

  // Volatile.
  /** The last index whose Apply was emitted. */
  lastExecuted: Index
  /** Of all that was executed up to there. */
  history: Digest
  /** At or below it we have the state from others, and no digests of our own. */
  restoredThrough: Index
  /** Of the last executed batch (ms). */
  agreedTime: number
  /** Our own clock (ms, wall time). */
  now: number
  nextDeadline: number | null
  /** Whose messages have come in this round of hearing, and how many ticks it has lasted (hearing.ts). */
  readonly heard: Set<NodeId>
  heardElapsed: number
  /** The newest of each replica, for views that are not over. */
  readonly viewChanges: Map<NodeId, ViewChange>
  /** Ticks since Q view changes for the view are held; null: they are not. */
  viewChangeElapsed: number | null
  /** How long a new view is waited for; doubles with each that fails. */
  viewChangeTicks: number
  /** Of requests, likewise. */
  requestTicks: number
  readonly waiting: Map<string, Waiting>
  /** Ids of what was executed last, oldest first; bounded. */
  readonly justExecuted: Set<string>
  executedInView: number
  /** While we are the primary of an active view. */
  primary: Primary | null
  /** Proposals of a time that our clock has not reached. */
  parked: PrePrepare[]
  /** By index: the first of each replica. */
  readonly checkpoints: Map<Index, Map<NodeId, Checkpoint>>
  /** Of the machine at each checkpoint's index. */
  readonly ownDigests: Map<Index, Digest>
  /** The history at each checkpoint and snapshot that the machine is asked for. */
  readonly histories: Map<Index, Digest>
  /** By index: the first of each replica. */
  readonly snapshotVotes: Map<Index, Map<NodeId, SnapshotVote>>
  /** W votes for the snapshot file that we have. */
  snapshotProof: readonly SnapshotVote[] | null
  fetching: Fetching | null
  /** How often each replica failed as a source since it was a good one. */
  readonly sourceFailures: Map<NodeId, number>
  /** Ticks for which a certified index ahead of us did not come nearer. */
  behindElapsed: number
  /** Ticks since somebody asked for what no proof of ours covers, and nothing was executed; null: nobody did. */
  askedInVainElapsed: number | null
  statusElapsed: number
  /** How far we were when we last told somebody. */
  statusExecuted: Index
  /** Batches that each peer was given in this tick. */
  readonly served: Map<NodeId, number>
  /** Bytes likewise. */
  readonly servedBytes: Map<NodeId, number>
  /** Ticks for which something should have expired and did not. */
  frozenElapsed: number
  /** It said two things of one index, or something that no honest primary says. */
  primarySuspected: boolean
  takingSnapshot: SnapshotMeta | null
  /** The machine's state differs from what Q say: nothing more is executed. */
  diverged: boolean
  ownStatements: OwnStatement[]
  /** The last batch emitted, and the last one known to be on disk. */
  batch: number
  persistedBatch: number
}

export type PbftOut = Out<Message, WalRecord, PbftNote>

/** h: what is at or below it is over, or at least not voted on. */
export function lowWatermark(s: State): Index {
  return Math.max(s.stable.index, s.floor)
}

/** H: what is above it is not yet taken. */
export function highWatermark(s: State): Index {
  return s.stable.index + s.options.windowIndices
}

export function primary(s: State): NodeId {
  return primaryOf(s.replicas, s.view)
}

export function isPrimary(s: State): boolean {
  return s.replicas.length > 0 && primary(s) === s.id
}

/** Everybody but ourselves. */
export function others(s: State): NodeId[] {
  return s.replicas.filter((id) => id !== s.id)
}

export function requestKey(request: { readonly session: number; readonly seq: number }): string {
  return `${request.session}.${request.seq}`
}

export function replicasOf(configuration: Configuration): NodeId[] {
  return [...configuration.voters].sort(compareNodeIds)
}
