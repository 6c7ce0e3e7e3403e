/** What a simulated node needs of the cluster around it. */
import type { Core, Entry, Member, SnapshotDelivery, SnapshotMeta } from '../consensus/contract.js'
import type { NodeId } from '../consensus/ids.js'
import type { Application } from './application.js'
import type { AppendedRequests } from './checkers/appended.js'
import type { ClusterChecker } from './checkers/cluster.js'
import type { ProtocolChecker } from './checkers/protocol.js'
import type { FaultKind } from './faults.js'
import type { SimLiar } from './liars.js'
import type { Greeting } from './node/identity.js'
import type { SimProtocol } from './protocol.js'
import type { SwarmOptions } from './swarm.js'
import type { World } from './world.js'

/** Chances and delays that the nemesis may change. */
export interface Disturbance {
  slowMachineMs: number
  slowDiskMs: number
  snapshotFails: number
  /** A piece that is sent has another bit when it arrives. */
  snapshotFlips: number
}

export interface NodeContext<M extends { readonly type: string }, R, O, C extends Core<M, R>> {
  readonly world: World
  readonly swarm: SwarmOptions
  readonly sim: SimProtocol<M, R, O, C>
  readonly application: Application
  readonly checker: ClusterChecker
  readonly appended: AppendedRequests
  readonly protocolChecker: ProtocolChecker<C, M, R>
  readonly members: readonly Member[]
  /** Of a node that lies. */
  readonly liar: SimLiar<M, R, C> | null
  send(from: NodeId, to: NodeId, bytes: Uint8Array): void
  sendSnapshot(
    from: NodeId,
    to: NodeId,
    file: { readonly meta: SnapshotMeta; readonly pieces: readonly Uint8Array[] },
    done: (end: SnapshotDelivery) => void,
  ): void
  /** A request for a part of a snapshot, and the answer: as lost, late and damaged as any message. */
  askPart(by: NodeId, from: NodeId, bytes: Uint8Array): void
  answerPart(from: NodeId, to: NodeId, bytes: Uint8Array): void
  /** What a source says instead of a part; null: nothing. */
  tellsPart(source: NodeId, part: Uint8Array | null): { readonly part: Uint8Array | null } | null
  readonly disturbance: Disturbance
  /** A fault has struck just now, of those that are counted by who suffers them. */
  struck(kind: FaultKind): void
  snapshotFailed(): void
  diskFailed(): void
  stepped(): void
  noted(event: string): void
  /** It has executed the entry, and tells whoever asked. */
  answered(id: NodeId, entry: Entry, answers: readonly Uint8Array[]): void
  /** A new start of it connects to its peers. */
  announce(id: NodeId): void
  /** Shakes hands with every peer that can be reached. */
  greet(by: NodeId, greeted: (greeting: Greeting) => void): void
}
