/** What a client is told once; each bound has its unit in its name. */
import type { Channel } from '../rpc/types.js'
import type { Connections } from './connections.js'
import type { PbftTrust } from './pbft/meeting.js'

export interface ClientOptions {
  /** `host:port`, or `http://host:port`. */
  readonly endpoints: readonly string[]
  /** Until a call that has no connection yet is given up. Default 2,000. */
  readonly dialTimeoutMs?: number
  /** Until an operation is given up, over all its attempts. Default 5,000. */
  readonly commandTimeoutMs?: number
  /** An attempt without an answer by then is tried elsewhere; later ones get twice and four times as long. Default 1,500. */
  readonly attemptTimeoutMs?: number
  /** Commands travel as calls of their own, or many to a message on one stream. Default `unary`. */
  readonly transport?: 'unary' | 'stream'
  /** Operations under way at once; more wait. Default 512. */
  readonly inflightMax?: number
  /** Operations that wait; beyond it they fail as Overloaded. Default 16,384. */
  readonly queuedMax?: number
  /** Fails as soon as every endpoint has refused the connection, instead of trying until the timeout. */
  readonly failFast?: boolean
  /** The cluster runs PBFT: no node is believed alone. */
  readonly pbft?: PbftTrust
  /** PBFT: the primary has so long, then all replicas are asked. Default 500. */
  readonly primaryMs?: number
  /** Shared with the other clients that are given the same; absent: this client has connections of its own. */
  readonly connections?: Connections
  /** For tests: how an endpoint is dialled. */
  readonly dial?: Dial
}

export type Dial = (endpoint: string) => Channel

/** Endpoints learned from nodes, beyond those given. */
export const HINTED_ENDPOINTS_MAX = 16

export interface Settings {
  readonly dialTimeoutMs: number
  readonly commandTimeoutMs: number
  readonly attemptTimeoutMs: number
  readonly transport: 'unary' | 'stream'
  readonly inflightMax: number
  readonly queuedMax: number
  readonly failFast: boolean
  readonly primaryMs: number
}

export function settingsOf(options: ClientOptions): Settings {
  return {
    dialTimeoutMs: options.dialTimeoutMs ?? 2_000,
    commandTimeoutMs: options.commandTimeoutMs ?? 5_000,
    attemptTimeoutMs: options.attemptTimeoutMs ?? 1_500,
    transport: options.transport ?? 'unary',
    // Below the 1,024 unacknowledged answers that a session may hold.
    inflightMax: options.inflightMax ?? 512,
    queuedMax: options.queuedMax ?? 16_384,
    failFast: options.failFast ?? false,
    // Half of what the replicas themselves give a primary.
    primaryMs: options.primaryMs ?? 500,
  }
}
