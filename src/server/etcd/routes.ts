/** All of etcd's services, over one member. */
import type { NodeId } from '../../consensus/ids.js'
import type { KvMachine } from '../../machine/kv/kv-machine.js'
import type { WatchHub } from '../../machine/watch/hub.js'
import type { Route } from '../../rpc/types.js'
import type { TransferRefusal } from '../replica.js'
import { authRoutes } from './auth-service.js'
import { clusterRoutes } from './cluster-service.js'
import { electionRoutes } from './concurrency/election-service.js'
import { lockRoutes } from './concurrency/lock-service.js'
import type { EtcdDoor } from './door.js'
import type { Headers } from './header.js'
import type { EtcdIds } from './ids.js'
import { kvRoutes } from './kv-service.js'
import { type LeaseParts, leaseRoutes } from './lease/lease-service.js'
import { type HashTimes, type MemberStatus, maintenanceRoutes } from './maintenance-service.js'
import { type LeaderView, requireLeader } from './require-leader.js'
import type { SpaceGuard } from './space-guard.js'
import { watchRoutes } from './watch/watch-service.js'

export interface EtcdParts extends LeaderView {
  readonly door: EtcdDoor
  readonly headers: Headers
  readonly ids: EtcdIds
  readonly kv: KvMachine
  readonly space: SpaceGuard
  /** Listens to the store. */
  readonly hub: WatchHub
  readonly members: readonly { readonly name: NodeId; readonly address: string }[]
  /** `host:port`; empty: not known yet. */
  clientEndpointOf(name: NodeId): string
  status(): MemberStatus
  transferLeadership(to: NodeId): TransferRefusal | null
  /** Between two signs of life of a watch that asked for them (ms). */
  readonly progressMs: number
  /** Of the node. Default 1,000,000. */
  readonly watchesMax?: number
  readonly times?: HashTimes & NonNullable<LeaseParts['times']>
}

export function etcdRoutesOf(parts: EtcdParts): Route[] {
  const { door, headers, ids, kv, hub, members, space } = parts
  const commands = { door, headers, space }
  const timed = parts.times === undefined ? {} : { times: parts.times }
  const { serving } = door
  const routes = [
    ...kvRoutes(commands),
    ...leaseRoutes({ ...commands, ...timed }),
    ...watchRoutes({ ...parts, source: kv, serving }),
    ...lockRoutes({ ...commands, hub }),
    ...electionRoutes({ ...commands, hub }),
    ...authRoutes({ headers, revision: () => kv.revision }),
    ...clusterRoutes({
      door,
      headers,
      ids,
      members,
      clientEndpointOf: (name) => parts.clientEndpointOf(name),
    }),
    ...maintenanceRoutes({
      ...commands,
      ...timed,
      ids,
      store: () => kv,
      transferLeadership: (to) => parts.transferLeadership(to),
      status: () => parts.status(),
    }),
  ]
  return requireLeader(routes, parts)
}
