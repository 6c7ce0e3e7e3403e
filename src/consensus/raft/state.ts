/** The state of one Raft node: plain data, grouped as in Figure 2 of the paper. */

import { nextInt, type RandomState } from '../../base/random.js'
import type { Configuration, SnapshotMeta } from '../contract.js'
import type { Index, NodeId, ReadId } from '../ids.js'
import type { Out } from '../out.js'
import type { Log } from './log.js'
import type { Message } from './messages.js'
import type { RaftNote } from './notes.js'
import type { Options } from './options.js'
import type { Progress } from './progress.js'
import type { WalRecord } from './records.js'
import type { Repair, SnapshotOut } from './repair-state.js'

export interface Follower {
  readonly type: 'follower'
  leader: NodeId | null
  /** Reads sent on to the leader, or waiting to be applied here. */
  reads: ForwardedRead[]
}

export interface ForwardedRead {
  readonly id: ReadId
  /** Ticks since it was sent on. */
  elapsed: number
  /** Answered: what must be applied first. */
  index: Index | null
}

export interface PreCandidate {
  readonly type: 'pre-candidate'
  /** First answer of each voter; never a counter, since answers repeat. */
  readonly votes: Map<NodeId, boolean>
}

export interface Candidate {
  readonly type: 'candidate'
  readonly votes: Map<NodeId, boolean>
  /** The batch with our own vote: it counts once that is on disk. */
  readonly voteBatch: number
  readonly transfer: boolean
}

export interface PendingRead {
  readonly id: ReadId
  /** Null: our own. */
  readonly from: NodeId | null
}

export interface Leader {
  readonly type: 'leader'
  /** Every replica but ourselves. */
  readonly progress: Map<NodeId, Progress>
  heartbeatElapsed: number
  /** Agreed time continues from `base` at our own clock's `at` (ms both). */
  readonly time: { readonly base: number; readonly at: number }
  /** The last empty timed batch; one is in flight while it is not committed. */
  timedBatch: { index: Index; time: number }
  uncommitted: { requests: number; bytes: number }
  /** Whose clients wait: followers that handed requests on, and the last entry that holds any of them. */
  readonly owedNews: Map<NodeId, Index>
  /** Counts up with every round of reads and every restart of a peer; each AppendEntries carries it. */
  round: number
  /** Reads that a round confirms; it was sent after they arrived. */
  confirming: { reads: PendingRead[]; index: Index; round: number } | null
  /** Reads that arrived later: for the next round. */
  queued: PendingRead[]
  transfer: { readonly to: NodeId; elapsed: number; sent: boolean } | null
}

export type Role = Follower | PreCandidate | Candidate | Leader

export interface ConfigurationAt {
  readonly index: Index
  readonly configuration: Configuration
}

export interface State {
  readonly id: NodeId
  readonly incarnation: number
  readonly options: Options
  readonly random: RandomState

  // Persistent (§5.1).
  term: number
  votedFor: NodeId | null
  readonly log: Log
  /** In effect from its append on: the last one holds. Rolled back with the log (§6). */
  configurations: ConfigurationAt[]

  // Volatile.
  commitIndex: Index
  /** The last index whose Apply was emitted. */
  lastApplied: Index
  role: Role
  electionElapsed: number
  /** Drawn anew from [T, 2T) at each change of term or role. */
  electionTimeout: number

  /** Our own clock (ms, monotonic), from the newest Tick. */
  now: number
  /** The highest agreed time heard from the leader of `agreedTerm`, or assigned (ms). */
  agreedTime: number
  /** The latest term whose leader, or of which an entry, was heard of. */
  agreedTerm: number
  nextDeadline: number | null

  /** The last batch emitted, and the last one known to be on disk. */
  batch: number
  persistedBatch: number
  /** Our own match: every entry up to here was written by a batch that is on disk. */
  durableIndex: Index
  /** The oldest batch seen unsynced at a tick, and for how many ticks. */
  unsynced: { batch: number; ticks: number }

  /** A snapshot of ours is being written. */
  takingSnapshot: SnapshotMeta | null
  /** What was applied and is in no finished snapshot; of it, what the one being written covers. */
  appliedBytesSinceSnapshot: number
  takingSnapshotBytes: number
  /** Ticks until a snapshot that failed is tried again; 0: none did. */
  snapshotRetryTicks: number
  /** The file of our newest snapshot could not be read when a peer needed it: it is to be taken anew. */
  snapshotUnreadable: boolean

  /** Of a node whose log is not whole: how far its healing is. */
  repair: Repair | null
  /** What is damaged on disk lies at or below; once a snapshot covers it, it may go. 0: nothing is. */
  damagedThrough: Index
  /** Snapshots that went to peers whose logs are damaged. */
  snapshotsOut: Map<NodeId, SnapshotOut>
}

export type RaftOut = Out<Message, WalRecord, RaftNote>

export function configurationOf(s: State): Configuration {
  return s.configurations[s.configurations.length - 1]?.configuration ?? NO_CONFIGURATION
}

/** Of a node that no cluster has formed around: it neither votes nor campaigns. */
export const NO_CONFIGURATION: Configuration = {
  members: [],
  voters: [],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
}

export function leaderOf(s: State): NodeId | null {
  if (s.role.type === 'leader') return s.id
  return s.role.type === 'follower' ? s.role.leader : null
}

/** Randomised anew so that split votes do not repeat (§5.2): uniform over [T, 2T). */
export function drawElectionTimeout(s: State): void {
  const { electionTicks } = s.options
  s.electionTimeout = nextInt(s.random, electionTicks, 2 * electionTicks - 1)
}
