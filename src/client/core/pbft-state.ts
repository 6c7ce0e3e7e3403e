/**
 * A client that believes no single replica, as plain data: what it asked, who answered what, and in which view it takes
 * the cluster to be. `pbft-step.ts` is the only one who changes it.
 */
import { type RandomState, seededRandom } from '../../base/random.js'
import type { Request } from '../../consensus/contract.js'
import { compareNodeIds, type NodeId } from '../../consensus/ids.js'
import { noSession, type SessionCodec, type SessionState } from './session.js'
import type { ClientOutcome } from './state.js'

export interface PbftClientOptions {
  /** All of them, whether they can be reached or not. */
  readonly replicas: readonly NodeId[]
  /** Draws nonces: fresh for each client. */
  readonly seed: number
  /** Operations under way at once; the rest waits its turn. */
  readonly inflightMax: number
  /** Operations that wait; beyond it they fail at once. */
  readonly queuedMax: number
  /** The primary has so long, and half of the operation's time at most; then everybody is asked. */
  readonly primaryMs: number
  /** From one time everybody is asked to the next: doubles up to the maximum. */
  readonly againMsMin: number
  readonly againMsMax: number
  readonly session: SessionCodec
}

export interface PbftOperation {
  /** The caller's number for it; OPENING: ours. */
  readonly id: number
  readonly kind: 'command' | 'query' | 'open'
  readonly payload: Uint8Array
  /** ms, on the clock of the inputs. */
  readonly deadline: number
  /** Null until it is sent; then the same for ever, for it is signed. */
  request: Request | null
  /** How often it was sent: to the primary first, then to all. */
  sends: number
  /** When it was sent first. */
  sentAt: number
  /** When everybody is asked next. */
  askAllAt: number
  /** Somebody may have it: of what nobody could be told, it is known that it was not executed. */
  told: boolean
  /** The last answer of each replica. */
  readonly answers: Map<NodeId, Uint8Array>
}

export interface PbftClientState extends SessionState {
  readonly options: PbftClientOptions
  /** Bytewise by name: replica v mod n is the primary of view v. */
  readonly replicas: readonly NodeId[]
  /** f: so many may lie. */
  readonly faultyMax: number
  readonly random: RandomState
  now: number
  /** The highest view that each replica told of. */
  readonly views: Map<NodeId, number>
  opening: PbftOperation | null
  readonly underWay: Map<number, PbftOperation>
  /** Of the caller's, by session and seq as text: where a reply belongs. */
  readonly byNumber: Map<string, PbftOperation>
  queue: PbftOperation[]
}

export type PbftClientInput =
  | {
      readonly type: 'Command' | 'Query'
      readonly id: number
      readonly payload: Uint8Array
      readonly deadline: number
    }
  /** Sealed by the replica that it names, over the very request that we signed; the host has verified it. */
  | {
      readonly type: 'Reply'
      readonly replica: NodeId
      readonly view: number
      readonly session: number
      readonly seq: number
      readonly answer: Uint8Array
    }
  /**
   * Whom we asked refuses, or is gone. `told` false: the transport knows that nobody, in any attempt, was told.
   */
  | {
      readonly type: 'Refused'
      readonly session: number
      readonly seq: number
      readonly told: boolean
    }
  | { readonly type: 'Tick'; readonly now: number }

export type PbftClientEffect =
  /** `to` null: everybody. */
  | { readonly type: 'Send'; readonly to: NodeId | null; readonly request: Request }
  /** No reply to it is waited for any more. */
  | { readonly type: 'Forget'; readonly session: number; readonly seq: number }
  | { readonly type: 'Done'; readonly id: number; readonly outcome: ClientOutcome }

export function newPbftClient(options: PbftClientOptions): PbftClientState {
  const replicas = [...options.replicas].sort(compareNodeIds)
  return {
    options,
    replicas,
    faultyMax: Math.floor((replicas.length - 1) / 3),
    random: seededRandom(options.seed),
    now: 0,
    views: new Map(),
    ...noSession(),
    opening: null,
    underWay: new Map(),
    byNumber: new Map(),
    queue: [],
  }
}

/** Under which `byNumber` has it. */
export function numberOf({ session, seq }: Pick<Request, 'session' | 'seq'>): string {
  return `${session}:${seq}`
}
