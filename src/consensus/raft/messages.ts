/** What Raft nodes say to each other, and what must be on disk before each of it leaves. */
import type { Configuration, Entry, Gate, Request } from '../contract.js'
import type { Index, ReadId } from '../ids.js'

/** Names one entry: index and term always travel together. */
export interface EntryId {
  readonly index: Index
  readonly term: number
}

/** An entry of Raft's log. With a configuration it changes who decides, from its append on (§6). */
export interface LogEntry extends Entry {
  readonly term: number
  readonly configuration: Configuration | null
  /** Length of its encoding, near enough for bounds. */
  readonly sizeBytes: number
}

export interface RequestVote {
  readonly type: 'RequestVote'
  readonly term: number
  readonly lastLog: EntryId
  /** The leader itself asked for this election: leader stickiness does not apply (thesis §3.10). */
  readonly transfer: boolean
}

export interface RequestVoteReply {
  readonly type: 'RequestVoteReply'
  readonly term: number
  readonly voteGranted: boolean
}

/** Asks whether an election at `term` could be won; changes nothing at the voter (thesis §9.6). */
export interface PreVote {
  readonly type: 'PreVote'
  readonly term: number
  readonly lastLog: EntryId
}

/** A grant carries the term asked for, a rejection the voter's own. */
export interface PreVoteReply {
  readonly type: 'PreVoteReply'
  readonly term: number
  readonly voteGranted: boolean
}

/** Replication and, empty, heartbeat (§5.3). */
export interface AppendEntries {
  readonly type: 'AppendEntries'
  readonly term: number
  readonly prev: EntryId
  readonly entries: readonly LogEntry[]
  readonly leaderCommit: Index
  /** The newest round of reads; its echo confirms that we still led when it was sent (thesis §6.4). */
  readonly round: number
  /** The leader's agreed time, ms. */
  readonly agreedTime: number
}

interface AppendEntriesReplyBase {
  readonly type: 'AppendEntriesReply'
  readonly term: number
  readonly round: number
  /** Of the replier's start: a new one makes the leader forget what the former acknowledged. */
  readonly incarnation: number
}

export type AppendEntriesReply = AppendEntriesReplyBase &
  (
    | { readonly accepted: true; readonly matchIndex: Index }
    | {
        readonly accepted: false
        readonly rejected: Index
        /** The replier's last entry that could match: not above `rejected`, not of a later term. */
        readonly hint: EntryId
      }
  )

/** The leader's last word to its chosen successor: campaign at once (thesis §3.10). */
export interface TimeoutNow {
  readonly type: 'TimeoutNow'
  readonly term: number
}

/** A follower asks for an index that a linearizable read must wait for. */
export interface ReadIndex {
  readonly type: 'ReadIndex'
  readonly term: number
  readonly id: ReadId
}

export interface ReadIndexReply {
  readonly type: 'ReadIndexReply'
  readonly term: number
  readonly id: ReadId
  readonly index: Index
}

/**
 * Commands whose clients asked a follower. The leader proposes them or drops them, and says nothing: the follower answers
 * when it applies them, and sends them again when it does not.
 */
export interface Forward {
  readonly type: 'Forward'
  readonly term: number
  readonly requests: readonly Request[]
}

/**
 * A node whose log is damaged asks for what it lost (docs/decisions/0004). An entry is one and the same wherever it has
 * the same index and term, so that any peer may answer, whoever leads: neither message moves a term.
 */
export interface FetchEntries {
  readonly type: 'FetchEntries'
  readonly term: number
  /** Ascending. */
  readonly wanted: readonly EntryId[]
  /** The snapshot is lost: one at or above this index is wanted. 0: none is. */
  readonly snapshotAtLeast: Index
}

export interface FetchEntriesReply {
  readonly type: 'FetchEntriesReply'
  readonly term: number
  /** Of the replier's start. */
  readonly incarnation: number
  /** Ascending, not necessarily without gaps. */
  readonly entries: readonly LogEntry[]
  /** What the replier has neither in its log nor under a snapshot. */
  readonly absent: readonly EntryId[]
  /** No snapshot reaches as far as was asked, and none can be taken yet. */
  readonly snapshotAbsent: boolean
}

export type Message =
  | RequestVote
  | RequestVoteReply
  | PreVote
  | PreVoteReply
  | AppendEntries
  | AppendEntriesReply
  | TimeoutNow
  | ReadIndex
  | ReadIndexReply
  | Forward
  | FetchEntries
  | FetchEntriesReply

/**
 * A leader's requests leave at once: its disk write runs beside its followers' (thesis §10.2.1). Whatever
 * vouches for state waits for the disk: a vote asked for is a vote for oneself, a reply may be a promise.
 */
export const GATE: { readonly [K in Message['type']]: Gate } = {
  RequestVote: 'durable',
  RequestVoteReply: 'durable',
  PreVote: 'none',
  PreVoteReply: 'durable',
  AppendEntries: 'none',
  AppendEntriesReply: 'durable',
  TimeoutNow: 'none',
  ReadIndex: 'none',
  ReadIndexReply: 'durable',
  Forward: 'none',
  FetchEntries: 'none',
  FetchEntriesReply: 'durable',
}
