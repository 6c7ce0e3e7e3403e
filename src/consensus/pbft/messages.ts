/**
 * What PBFT's replicas say to each other, and what must be on disk before each of it leaves. What may have to be shown
 * to a third replica is a statement: signed by its sender, over its cluster, epoch and type. The rest is carriage: it
 * proves nothing, and what it carries proves itself.
 */
import type { Gate, Request } from '../contract.js'
import type { Index, NodeId } from '../ids.js'

/** Of a batch: 64 hex digits. It does not depend on view or index, so that a batch keeps it in a later view. */
export type Digest = string

/** What one index orders: requests under one agreed time (ms). */
export interface Batch {
  readonly time: number
  readonly requests: readonly Request[]
}

interface Signed {
  readonly sender: NodeId
  /** Of the configuration: what one says is worth nothing in the next. */
  readonly epoch: number
  readonly signature: Uint8Array
}

/** Names one slot's content in one view: the three always travel together. */
export interface SlotId {
  readonly view: number
  readonly index: Index
  readonly digest: Digest
}

/** PRE-PREPARE's signed half: the primary of `view` gives `index` to the batch. It is the primary's prepare vote. */
export interface Proposed extends SlotId, Signed {
  readonly type: 'Proposed'
}

export interface Prepare extends SlotId, Signed {
  readonly type: 'Prepare'
}

export interface Commit extends SlotId, Signed {
  readonly type: 'Commit'
}

/** The state behind `index`, of which Q make it stable. */
export interface Checkpoint extends Signed {
  readonly type: 'Checkpoint'
  readonly index: Index
  readonly digest: Digest
}

/**
 * The snapshot file at `index`: what its content hashes to, and what stands beside it. Files of one state are the same
 * bytes everywhere, so W that say the same vouch for the state.
 */
export interface SnapshotVote extends Signed {
  readonly type: 'SnapshotVote'
  readonly index: Index
  readonly digest: Digest
  readonly bytes: number
  /** Agreed time (ms) behind `index`. */
  readonly time: number
  /** Of all that was executed up to `index`. */
  readonly history: Digest
}

/** prepared(batch, view, index): the primary's proposal and prepares of Q-1 distinct backups. */
export interface PreparedCertificate {
  readonly proposed: Proposed
  readonly prepares: readonly Prepare[]
}

export interface ViewChange extends Signed {
  readonly type: 'ViewChange'
  /** The view that it asks for. */
  readonly view: number
  /** h of the sender, and Q checkpoints that prove it; none for 0. */
  readonly stable: Index
  readonly checkpoints: readonly Checkpoint[]
  /** P: for each index above h the certificate of the highest view; ascending. */
  readonly prepared: readonly PreparedCertificate[]
}

export interface NewView extends Signed {
  readonly type: 'NewView'
  readonly view: number
  /** V: Q of them, of distinct senders, ascending by sender. */
  readonly viewChanges: readonly ViewChange[]
  /** O: what every index between the highest stable one and the last prepared one is in this view; ascending. */
  readonly proposals: readonly Proposed[]
}

export type Statement =
  | Proposed
  | Prepare
  | Commit
  | Checkpoint
  | SnapshotVote
  | ViewChange
  | NewView

/** The proposal with its batch; null: the null batch. */
export interface PrePrepare {
  readonly type: 'PrePrepare'
  readonly proposed: Proposed
  readonly batch: Batch | null
}

/** A backup's clients' requests, for the primary. */
export interface Forward {
  readonly type: 'Forward'
  readonly requests: readonly Request[]
}

/** How far the sender is; whoever is ahead answers with what it lacks. */
export interface Status {
  readonly type: 'Status'
  readonly view: number
  readonly active: boolean
  readonly stable: Index
  readonly executed: Index
}

export interface FetchBatch {
  readonly type: 'FetchBatch'
  readonly index: Index
  readonly digest: Digest
}

/** The receiver compares the digest. */
export interface FetchedBatch {
  readonly type: 'FetchedBatch'
  readonly index: Index
  readonly batch: Batch
}

/** Q commits and the batch: whoever has it may execute, whatever its view. */
export interface CommittedBatch {
  readonly type: 'CommittedBatch'
  readonly commits: readonly Commit[]
  readonly batch: Batch | null
}

/** Q checkpoints of one index and digest. */
export interface StableCheckpoint {
  readonly type: 'StableCheckpoint'
  readonly checkpoints: readonly Checkpoint[]
}

/** W votes for one snapshot. */
export interface SnapshotProof {
  readonly type: 'SnapshotProof'
  readonly votes: readonly SnapshotVote[]
}

export type Carriage =
  | PrePrepare
  | Forward
  | Status
  | FetchBatch
  | FetchedBatch
  | CommittedBatch
  | StableCheckpoint
  | SnapshotProof

/** A proposal travels only in its PrePrepare. */
export type Message = Exclude<Statement, Proposed> | Carriage

/** What a replica signed must be on disk first, so that no restart makes it say the contrary. */
export const GATE: { readonly [K in Message['type']]: Gate } = {
  PrePrepare: 'durable',
  Prepare: 'durable',
  Commit: 'durable',
  Checkpoint: 'durable',
  SnapshotVote: 'durable',
  ViewChange: 'durable',
  NewView: 'durable',
  Forward: 'none',
  Status: 'none',
  FetchBatch: 'none',
  FetchedBatch: 'none',
  CommittedBatch: 'none',
  StableCheckpoint: 'none',
  SnapshotProof: 'none',
}

/** Every statement in a message, nested ones too: the host verifies all of them before the core sees it. */
export function statementsOf(message: Message): Statement[] {
  switch (message.type) {
    case 'PrePrepare':
      return [message.proposed]
    case 'CommittedBatch':
      return [...message.commits]
    case 'StableCheckpoint':
      return [...message.checkpoints]
    case 'SnapshotProof':
      return [...message.votes]
    case 'ViewChange':
      return statementsOfViewChange(message)
    case 'NewView':
      return [message, ...message.proposals, ...message.viewChanges.flatMap(statementsOfViewChange)]
    case 'Prepare':
    case 'Commit':
    case 'Checkpoint':
    case 'SnapshotVote':
      return [message]
    case 'Forward':
    case 'Status':
    case 'FetchBatch':
    case 'FetchedBatch':
      return []
  }
}

function statementsOfViewChange(message: ViewChange): Statement[] {
  const prepared = message.prepared.flatMap(({ proposed, prepares }) => [proposed, ...prepares])
  return [message, ...message.checkpoints, ...prepared]
}
