/**
 * The contract that every consensus module keeps: inputs go in, effects come out, completions come back as
 * inputs. A module is pure and synchronous: no clock, entropy, promise or log line; it never fails and never
 * waits. What a host must do with each effect, and in which order, is told at the effect.
 */
import type { Index, NodeId, ReadId, RequestId } from './ids.js'

/** A client's command. `command` is opaque to consensus and travels as the client encoded it. */
export interface Request extends RequestId {
  /** The client has the answers of all its seqs up to here; the state machine may forget them. */
  readonly ackedThrough: number
  readonly command: Uint8Array
  /** Who asks, and a proof of it, where replicas do not trust each other: opaque to consensus. Absent over Raft. */
  readonly auth?: Uint8Array
  /** A query, ordered so that it is linearizable where no single replica can be believed: it changes nothing. */
  readonly readOnly?: boolean
}

/** One position of the log: a batch of requests under one agreed time (ms). No-ops have no requests. */
export interface Entry {
  readonly index: Index
  readonly time: number
  readonly requests: readonly Request[]
}

/** A member and the random uid of its data directory: a wiped directory is not the same member (PROTOCOL 6). */
export interface Member {
  readonly id: NodeId
  readonly uid: string
}

/** Who decides. Outside a joint change `votersOutgoing` is empty (Raft §6). */
export interface Configuration {
  readonly members: readonly Member[]
  readonly voters: readonly NodeId[]
  readonly votersOutgoing: readonly NodeId[]
  readonly learners: readonly NodeId[]
  readonly learnersNext: readonly NodeId[]
  readonly autoLeave: boolean
}

/** What a snapshot covers. `term` is PBFT's view. */
export interface SnapshotMeta {
  readonly index: Index
  readonly term: number
  readonly time: number
  readonly configuration: Configuration
  /** Of the file's content, hex; empty until the file is written. */
  readonly digest: string
  /** Length of the file's content; 0 until the file is written. */
  readonly bytes: number
}

/** How it ended to send one: `unreadable` when our own file is not whole any more, whatever the peer says. */
export type SnapshotDelivery = 'delivered' | 'undelivered' | 'unreadable'

/** What must be on disk before a message leaves: nothing, or every Persist emitted before it. */
export type Gate = 'none' | 'durable'

export type Input<M> =
  /** One unit of logical time. `now`: ms, monotonic; `nextDeadline`: the machine's next expiry in agreed ms. */
  | { readonly type: 'Tick'; readonly now: number; readonly nextDeadline: number | null }
  /** `from` is the authenticated peer; every signature in the message is already verified. */
  | { readonly type: 'Receive'; readonly from: NodeId; readonly message: M }
  /**
   * Proposals of one turn. `forward`: where another node decides, hand them on to it instead of refusing them. Nothing
   * is owed then: what is lost on the way is proposed again, and a state machine executes a request once.
   */
  | { readonly type: 'Propose'; readonly requests: readonly Request[]; readonly forward?: boolean }
  /** A linearizable read; answered with ReadReady. The driver coalesces the reads of a turn into one. */
  | { readonly type: 'Read'; readonly id: ReadId }
  /** All writes up to this batch were complete before the sync that just ended was issued. */
  | { readonly type: 'Persisted'; readonly batch: number }
  /** The digest of the machine's state behind this index; answers TakeCheckpoint. */
  | { readonly type: 'CheckpointTaken'; readonly index: Index; readonly digest: string }
  /** Our own snapshot: file, then directory, synced. */
  | { readonly type: 'SnapshotTaken'; readonly snapshot: SnapshotMeta }
  /** A peer's snapshot: verified and synced. */
  | { readonly type: 'SnapshotReceived'; readonly from: NodeId; readonly snapshot: SnapshotMeta }
  /** Without a peer: taking failed. With a peer: sending to it failed; `unreadable`: for our own file is not whole any more. */
  | {
      readonly type: 'SnapshotFailed'
      readonly snapshot: SnapshotMeta
      readonly peer?: NodeId
      readonly unreadable?: boolean
    }
  | { readonly type: 'TransferLeadership'; readonly to: NodeId }

export type Effect<M, R> =
  /**
   * Append to the WAL. `batch` only grows. Never cancelled. `lazy`: nothing waits for it, and it is no reason for a sync of
   * its own; it is on disk with the next batch, or a tick later.
   */
  | {
      readonly type: 'Persist'
      readonly batch: number
      readonly records: readonly R[]
      readonly lazy?: true
    }
  /** A durable send leaves once every Persist emitted before it is on disk; it is never cancelled. */
  | { readonly type: 'Send'; readonly to: NodeId; readonly message: M; readonly gate: Gate }
  /** Apply, TakeSnapshot, Restore and Answer run in the order of their emission, whatever the disk does. */
  | { readonly type: 'Apply'; readonly entries: readonly Entry[] }
  | { readonly type: 'TakeSnapshot'; readonly snapshot: SnapshotMeta }
  /** In the same order: the digest of the machine's state at this place, which is behind `index`. PBFT only. */
  | { readonly type: 'TakeCheckpoint'; readonly index: Index }
  | { readonly type: 'Restore'; readonly snapshot: SnapshotMeta }
  | { readonly type: 'SendSnapshot'; readonly to: NodeId; readonly snapshot: SnapshotMeta }
  | { readonly type: 'FetchSnapshot'; readonly from: NodeId; readonly target: SnapshotMeta }
  /** The WAL up to here may go, once every Persist emitted before is on disk. */
  | { readonly type: 'Release'; readonly through: Index }
  /** Ends a request that was never appended here, or a read. */
  | { readonly type: 'Answer'; readonly id: RequestId | ReadId; readonly outcome: Outcome }
  | { readonly type: 'Note'; readonly note: Note }

export type Outcome =
  /** Never appended here. `leader`: who leads, if known. */
  | { readonly type: 'NotLeader'; readonly leader: NodeId | null }
  /** Never appended here: a bound was reached. */
  | { readonly type: 'Overloaded'; readonly reason: string }
  /** The machine has applied all that a linearizable read must see. */
  | { readonly type: 'ReadReady'; readonly index: Index }
  | { readonly type: 'Unsupported' }

/** Which rule fired: logs, golden traces, the dashboard and coverage are renderings of notes. */
export interface Note {
  /** Section of the paper, or of PROTOCOL. */
  readonly rule: string
  readonly event: string
  readonly peer?: NodeId
  readonly index?: Index
  readonly term?: number
  readonly detail?: string
}

/** Of one node, as it sees itself. */
export interface CoreStatus {
  readonly role:
    | 'leader'
    | 'follower'
    | 'candidate'
    | 'pre-candidate'
    | 'learner'
    | 'primary'
    | 'backup'
  /** Raft's term, PBFT's view. */
  readonly term: number
  readonly leader: NodeId | null
  readonly firstIndex: Index
  readonly lastIndex: Index
  readonly commitIndex: Index
  /** The last index whose Apply was emitted. */
  readonly appliedIndex: Index
  /** Entries whose content a damaged disk lost, and that no peer has given back yet; 0 when healthy. */
  readonly missing: number
  readonly snapshotIndex: Index
  readonly configuration: Configuration
  /** Leader only: the highest index known to be on each peer. */
  readonly matchIndex: ReadonlyMap<NodeId, Index>
}

export interface Core<M, R> {
  step(input: Input<M>): Effect<M, R>[]
  status(): CoreStatus
  /** The full hard state as of now; every WAL segment opens with it (PROTOCOL 5). */
  stateRecord(): R
  /** How the log looks as of now, without what is in it: every batch on disk is followed by it (PROTOCOL 9). */
  shape(): Uint8Array
}

/** Who a core is, from the host, fresh at each start. */
export interface Self {
  readonly id: NodeId
  /** Seeds the core's generator: fresh per node and start, else nodes restarted together draw alike. */
  readonly seed: number
  /** A random number in [1, 2^53-1], fresh at each start. */
  readonly incarnation: number
}

/** What a host needs to run a protocol without knowing which. */
export interface Protocol<M extends { readonly type: string }, R, O> {
  readonly name: 'raft' | 'pbft'
  /** Folds the WAL's records. The first effect is Restore when there is a snapshot. */
  recover(
    records: readonly R[],
    self: Self,
    options: O,
  ): { core: Core<M, R>; effects: Effect<M, R>[] }
  /** The record with which a cluster is formed: the same on every member (PROTOCOL 6). */
  bootstrap(members: readonly Member[]): R
  encodeMessage(message: M): Uint8Array
  /** Null when the bytes are no message of this protocol. The message may keep views of the bytes. */
  decodeMessage(bytes: Uint8Array): M | null
  encodeRecords(records: readonly R[]): Uint8Array
  decodeRecords(bytes: Uint8Array): R[] | null
  /** What recovery puts in the place of damage: `shape` stood behind it. Null: these bytes are no shape. */
  lost(shape: Uint8Array): R | null
  /** What recovery puts behind all records when the newest snapshot's file is missing or damaged. */
  snapshotLost(): R
  /** The highest log index among the records; 0 when they hold none. */
  lastIndexOf(records: readonly R[]): Index
}
