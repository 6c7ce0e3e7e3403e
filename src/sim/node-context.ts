/** What a simulated node needs of the cluster around it. */
import type { Core, Member, SnapshotMeta } from '../consensus/contract.js'
import type { NodeId } from '../consensus/ids.js'
import type { ClusterChecker } from './checkers/cluster.js'
import type { ProtocolChecker } from './checkers/protocol.js'
import type { SimProtocol } from './protocol.js'
import type { SwarmOptions } from './swarm.js'
import type { World } from './world.js'

export interface NodeContext<M extends { readonly type: string }, R, O, C extends Core<M, R>> {
  readonly world: World
  readonly swarm: SwarmOptions
  readonly sim: SimProtocol<M, R, O, C>
  readonly checker: ClusterChecker
  readonly protocolChecker: ProtocolChecker<C, M, R>
  readonly members: readonly Member[]
  send(from: NodeId, to: NodeId, bytes: Uint8Array): void
  sendSnapshot(
    from: NodeId,
    to: NodeId,
    file: { readonly meta: SnapshotMeta; readonly pieces: readonly Uint8Array[] },
    done: (delivered: boolean) => void,
  ): void
  /** Chances and delays that the nemesis may change. */
  readonly disturbance: { slowMachineMs: number; slowDiskMs: number; snapshotFails: number }
  snapshotFailed(): void
  diskFailed(): void
  stepped(): void
  noted(event: string): void
}
