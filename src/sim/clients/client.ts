/** What the workload needs of a client, whichever rules it keeps. */
import type { SessionCodec } from '../../client/core/session.js'
import type { ClientOutcome, ReplyOutcome } from '../../client/core/state.js'
import type { Request } from '../../consensus/contract.js'
import type { NodeId } from '../../consensus/ids.js'

export interface SimClient {
  ask(of: {
    readonly id: number
    readonly type: 'command' | 'query'
    readonly bytes: Uint8Array
    /** On the world's clock (ms). */
    readonly deadline: number
  }): void
  tick(now: number): void
  readonly isIdle: boolean
  /** A replica's reply that nobody asked it for: it has executed our request. */
  heard?(reply: ReplicaReply, number: string): void
}

export interface ReplicaReply {
  readonly replica: NodeId
  readonly view: number
  readonly session: number
  readonly seq: number
  readonly answer: Uint8Array
}

/** A node's front door, as a client reaches it. `deadlineMs` is what is left of the operation's time. */
export interface FrontDoor {
  command(
    to: NodeId,
    request: Request,
    deadlineMs: number,
    reply: (outcome: ReplyOutcome) => void,
  ): void
  query(
    to: NodeId,
    query: Uint8Array,
    deadlineMs: number,
    reply: (outcome: ReplyOutcome) => void,
  ): void
  /** From now on every replica tells of what it executes, where clients believe none alone. */
  listen(hear: (reply: ReplicaReply) => void): void
}

export type SimSessionCodec = SessionCodec & {
  readonly content: (answer: Uint8Array) => Uint8Array
  /** The machine says such a thing, of what it executed. */
  readonly isContent: (answer: Uint8Array) => boolean
}

/** The way between a client and the nodes, and where its operations end. */
export interface ClientHost {
  readonly door: FrontDoor
  now(): number
  /** Runs it where the request arrives, if it does; true: there more than once. */
  request(to: NodeId, ask: (reached: NodeId) => void): boolean
  /** Runs it when the reply arrives, if it does. */
  reply(hear: () => void): void
  done(id: number, outcome: ClientOutcome): void
}
