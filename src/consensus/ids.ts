/** Names of things that both protocols number. Indices, terms, views and revisions are checked <= 2^53-1 at the door. */

/** A node's name: `[A-Za-z0-9._-]{1,63}`. Replica order is the bytewise order of names. */
export type NodeId = string

/** A position in the replicated log: Raft's log index, PBFT's sequence number. The first entry has 1. */
export type Index = number

/** A client's request within its session. `session` 0 opens a session; then `seq` is a nonce drawn by the host. */
export interface RequestId {
  readonly session: number
  readonly seq: number
}

/** A read. The incarnation tells the reads of one start of a node from those of the next (PROTOCOL 4). */
export interface ReadId {
  readonly incarnation: number
  readonly number: number
}

export function isNodeId(text: string): boolean {
  return /^[A-Za-z0-9._-]{1,63}$/.test(text)
}

/** Bytewise order of names; names are ASCII, so code units are bytes. */
export function compareNodeIds(a: NodeId, b: NodeId): number {
  return a < b ? -1 : a > b ? 1 : 0
}
