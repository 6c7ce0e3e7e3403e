/** All of etcd's services, over one member. */
import type { NodeId } from '../../consensus/ids.js'
import type { WatchSource } from '../../machine/watch/events.js'
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
import {
  type HashTimes,
  type MemberStatus,
  maintenanceRoutes,
  type StoreView,
} from './maintenance-service.js'
import { type LeaderView, requireLeader } from './require-leader.js'
import type { SpaceGuard } from './space-guard.js'
import { watchRoutes } from './watch/watch-service.js'

export interface EtcdParts extends LeaderView {
  readonly door: EtcdDoor
  readonly headers: Headers
  readonly ids: EtcdIds
  /** What this door knows of the store, and what changes in it. */
  readonly store: WatchSource & StoreView
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
  /** Absent: the store is this node's own, and no watch has to wait until it is known how far it is. */
  readonly refresh?: () => Promise<void>
}

export function etcdRoutesOf(parts: EtcdParts): Route[] {
  const { door, headers, ids, store, hub, members, space } = parts
  const commands = { door, headers, space }
  const timed = parts.times === undefined ? {} : { times: parts.times }
  const { serving } = door
  const routes = [
    ...kvRoutes(commands),
    ...leaseRoutes({ ...commands, ...timed }),
    ...watchRoutes({ ...parts, source: store, serving }),
    ...lockRoutes({ ...commands, hub }),
    ...electionRoutes({ ...commands, hub }),
    ...authRoutes({ headers, revision: () => store.revision }),
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
      store: () => store,
      transferLeadership: (to) => parts.transferLeadership(to),
      status: () => parts.status(),
    }),
  ]
  return requireLeader(routes, parts)
}
