/** What the services need of the node behind them. */
import type { Request } from '../consensus/contract.js'
import type { NodeId } from '../consensus/ids.js'
import type { ReadDone, SubmitDone } from '../driver/outcomes.js'
import type { TargetFaults } from '../gen/quorate/v1/faults.js'
import type { StatusResponse } from '../gen/quorate/v1/quorate.js'
import type { SignedDoor } from './signed-door.js'

export interface Replica {
  readonly name: NodeId
  /** A command without a deadline of its own gets this one. */
  readonly commandTimeoutMs: number
  readonly commandBytesMax: number
  /** PBFT only: null over Raft, where nothing is signed. */
  readonly signed?: SignedDoor | null
  /** Null once the node serves; else why it does not yet, in words. */
  unavailable(): string | null
  submit(request: Request, timeoutMs: number, done: SubmitDone, way?: Way): void
  read(timeoutMs: number, done: ReadDone, way?: Way): void
  /** Asks the state machine, now. */
  query(query: Uint8Array): Uint8Array
  appliedIndex(): number
  /** `host:port` at which clients reach a member; empty: unknown. */
  clientEndpointOf(name: NodeId): string
  /** Null: it began. */
  transferLeadership(to: NodeId): TransferRefusal | null
  status(): StatusResponse
}

export interface Way {
  /** Where this node does not lead, it goes to the leader by itself, and waits while there is none. */
  readonly forward: boolean
}

export type TransferRefusal =
  | { readonly type: 'NotLeader'; readonly leader: NodeId | null }
  | { readonly type: 'Refused'; readonly reason: string }

/** What the fault-injection service needs; absent unless enabled. */
export interface FaultSwitch {
  /** Names that are no members of the cluster. */
  unknownNodes(ids: readonly NodeId[]): NodeId[]
  setPartition(blocked: readonly NodeId[], ttlMs: number): void
  setFaults(targets: readonly TargetFaults[], ttlMs: number): void
  faults(): {
    blocked: readonly NodeId[]
    ttlLeftMs: number
    targets: readonly TargetFaults[]
    faultsTtlLeftMs: number
  }
  /** What it can be told to do against the rules. */
  readonly byzantineKinds: readonly string[]
  setByzantine(kinds: readonly string[]): void
  byzantine(): { readonly kind: string; readonly acted: number }[]
}
