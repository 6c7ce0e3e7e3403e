/** etcd's API as a gateway serves it: the services of a node's own front door, without a store behind them. */
import { toHex } from '../base/bytes.js'
import type { WatchHub } from '../machine/watch/hub.js'
import { type Address, DEFAULT_LIMITS } from '../node/config.js'
import { hostPort } from '../node/listen.js'
import { quorate } from '../rpc/services.js'
import { Code, RpcError } from '../rpc/status.js'
import type { Route } from '../rpc/types.js'
import type { EtcdDoor } from '../server/etcd/door.js'
import { Headers } from '../server/etcd/header.js'
import { type EtcdIds, etcdIds } from '../server/etcd/ids.js'
import { type EtcdParts, etcdRoutesOf } from '../server/etcd/routes.js'
import { shutRoute } from '../server/etcd/shut.js'
import { SpaceGuard } from '../server/etcd/space-guard.js'
import { healthRoutes } from '../server/health-service.js'
import type { ChangeFeed } from './change-feed.js'

/** Of a stream that asks for a leader: it ends when there was none for three looks. */
const LEADER_LOOK_MS = 1_000

const USE_ETCD =
  "this is a gateway: it serves etcd's API alone. The quorate client believes no single replica by itself: " +
  'give it the endpoints of the replicas, and the cluster file'

export interface Identity {
  readonly name: string
  /** Its own id as a member, in decimal. */
  readonly member: string
  readonly ids: EtcdIds
}

/**
 * A cluster of one member, itself: whoever follows the list of members to their endpoints must not end at a single
 * replica.
 */
export function gatewayIdentity(clusterId: string, publicKey: Uint8Array): Identity {
  const name = `gateway-${toHex(publicKey.subarray(0, 4))}`
  const ids = etcdIds(clusterId, [{ name, address: '' }])
  return { name, member: ids.memberOf(name), ids }
}

export interface ApiParts {
  readonly listen: Address
  readonly identity: Identity
  readonly door: EtcdDoor
  readonly feed: ChangeFeed
  readonly hub: WatchHub
  /** As it listens, once it does. */
  endpoint(): string
  /** In words; null: it serves. */
  notReady(): string | null
  alive(): boolean
  /** Whether f+1 replicas do. */
  answers(): boolean
  view(): number
}

export function gatewayRoutes(parts: ApiParts): Route[] {
  const { door, feed, hub, identity, listen, view } = parts
  const { name, member, ids } = identity
  const leaderKnown = () => parts.answers()
  const etcd = etcdRoutesOf({
    door,
    headers: new Headers({ cluster: ids.cluster, member }, view),
    ids,
    store: storeOf(feed),
    hub,
    // The replicas look after that: a gateway does not know what is held.
    space: new SpaceGuard({ store: { bytesHeld: 0, alarms: [] }, door, member, quotaBytes: null }),
    members: [{ name, address: hostPort(listen) }],
    refresh: () => feed.refresh(),
    progressMs: DEFAULT_LIMITS.watchProgressMs,
    electionTimeoutMs: LEADER_LOOK_MS,
    leaderKnown,
    clientEndpointOf: () => (isWildcard(listen) ? '' : parts.endpoint()),
    transferLeadership: () => ({ type: 'Refused', reason: 'a gateway leads nobody' }),
    status: () => {
      const problem = parts.notReady()
      const leader = problem === null ? name : null
      const problems = problem === null ? [] : [problem]
      return { leader, term: view(), lastIndex: 0, appliedIndex: 0, problems }
    },
  })
  return [
    ...etcd,
    ...Object.values(quorate).map(shutRoute(USE_ETCD)),
    ...healthRoutes({ processServing: () => parts.alive(), leaderKnown }),
  ]
}

function storeOf(feed: ChangeFeed): EtcdParts['store'] {
  return {
    get revision() {
      return feed.revision
    },
    get compactRevision() {
      return feed.compactRevision
    },
    eventsSince: (revision, eventsMax) => feed.eventsSince(revision, eventsMax),
    // What the replicas hold, each of them alone could tell.
    bytesHeld: 0,
    alarms: [],
    hashAt: () => {
      throw new RpcError(Code.UNIMPLEMENTED, 'quorate: a gateway has no store to hash')
    },
  }
}

/** Nobody can dial that name. */
function isWildcard({ host }: Address): boolean {
  return host === '0.0.0.0' || host === '::'
}
