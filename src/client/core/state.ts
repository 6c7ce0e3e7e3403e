/**
 * A client of a cluster, as plain data: its session, what it sent and has no answer to, and whom it takes for the
 * leader. `step.ts` is the only one who changes it.
 */
import { type RandomState, seededRandom } from '../../base/random.js'
import type { Request } from '../../consensus/contract.js'
import type { NodeId } from '../../consensus/ids.js'
import { noSession, type SessionCodec, type SessionState } from './session.js'

export interface ClientOptions {
  readonly nodes: readonly NodeId[]
  /** Draws nonces and jitter: fresh for each client. */
  readonly seed: number
  /** Operations under way at once; the rest waits its turn. */
  readonly inflightMax: number
  /** Operations that wait; beyond it they fail at once. */
  readonly queuedMax: number
  /** An attempt without an answer by then is of unknown outcome, and another node is asked; later ones get longer. */
  readonly attemptTimeoutMs: number
  readonly backoffMsMin: number
  readonly backoffMsMax: number
  readonly session: SessionCodec
}

export interface Operation {
  /** The caller's number for it. */
  readonly id: number
  readonly kind: 'command' | 'query'
  readonly payload: Uint8Array
  /** ms, on the clock of the inputs. */
  readonly deadline: number
  /** 0 until the first attempt; then the same for all attempts, with its session. */
  session: number
  seq: number
  attempt: Attempt | null
  /** Attempts that may have been appended somewhere: no definite failure while there is one. */
  unknown: number[]
  /** Since the last answer of any use. */
  failures: number
  /** Of those, attempts without an answer. */
  unanswered: number
  retryAt: number
}

export interface Attempt {
  readonly number: number
  readonly to: NodeId
  readonly sentAt: number
  /** So long it is waited for. */
  readonly timeoutMs: number
}

export type Opening = Pick<Operation, 'attempt' | 'retryAt' | 'failures' | 'unanswered'> & {
  /** The last attempt before it began. */
  readonly after: number
}

export interface ClientState extends SessionState {
  readonly options: ClientOptions
  readonly random: RandomState
  now: number
  leader: NodeId | null
  /** Whom to ask when no leader is known: this one of `nodes`. */
  rotation: number
  lastAttempt: number
  opening: Opening | null
  readonly underWay: Map<number, Operation>
  queue: Operation[]
}

export type ClientInput =
  | {
      readonly type: 'Command'
      readonly id: number
      readonly command: Uint8Array
      readonly deadline: number
    }
  | {
      readonly type: 'Query'
      readonly id: number
      readonly query: Uint8Array
      readonly deadline: number
    }
  | {
      readonly type: 'Reply'
      readonly attempt: number
      readonly id: number
      readonly outcome: ReplyOutcome
    }
  | { readonly type: 'Tick'; readonly now: number }

/** What one attempt came to, from the node or from the transport. */
export type ReplyOutcome =
  | { readonly type: 'Answer'; readonly bytes: Uint8Array }
  | { readonly type: 'NotLeader'; readonly leader: NodeId | null }
  | { readonly type: 'Overloaded'; readonly reason: string }
  | { readonly type: 'Indeterminate'; readonly reason: string }
  /** The transport never sent it. */
  | { readonly type: 'Unreachable' }

export type ClientEffect =
  | {
      readonly type: 'SendCommand'
      readonly to: NodeId
      readonly attempt: number
      readonly id: number
      readonly request: Request
      readonly deadline: number
      /** Of this attempt. */
      readonly timeoutMs: number
    }
  | {
      readonly type: 'SendQuery'
      readonly to: NodeId
      readonly attempt: number
      readonly id: number
      readonly query: Uint8Array
      readonly deadline: number
      readonly timeoutMs: number
    }
  | { readonly type: 'Done'; readonly id: number; readonly outcome: ClientOutcome }

export type ClientOutcome =
  | { readonly type: 'Answer'; readonly bytes: Uint8Array }
  /** Certainly not executed. */
  | { readonly type: 'Failed'; readonly reason: string }
  /** Perhaps executed, or will be. */
  | { readonly type: 'Indeterminate'; readonly reason: string }

/** The id under which the opening of a session travels; operations of the caller have ids above 0. */
export const OPENING = 0

export function newClient(options: ClientOptions): ClientState {
  const random = seededRandom(options.seed)
  return {
    options,
    random,
    now: 0,
    leader: null,
    rotation: options.seed % options.nodes.length,
    lastAttempt: 0,
    ...noSession(),
    opening: null,
    underWay: new Map(),
    queue: [],
  }
}
