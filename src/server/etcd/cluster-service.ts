/** etcdserverpb.Cluster: who is in it. Its changes come with membership changes. */
import type { NodeId } from '../../consensus/ids.js'
import type { Member } from '../../gen/etcd/api/etcdserverpb/rpc.js'
import { etcdCluster } from '../../rpc/etcd-services.js'
import { type CallContext, type Route, unary } from '../../rpc/types.js'
import type { EtcdDoor } from './door.js'
import { etcdError, notServing, notYet } from './errors.js'
import type { Headers } from './header.js'
import type { EtcdIds } from './ids.js'

export interface ClusterParts {
  readonly door: EtcdDoor
  readonly headers: Headers
  readonly ids: EtcdIds
  readonly members: readonly { readonly name: NodeId; readonly address: string }[]
  /** `host:port`; empty: not known yet. */
  clientEndpointOf(name: NodeId): string
}

export function clusterRoutes(parts: ClusterParts): Route[] {
  const refuse = (method: string) => () => {
    throw notYet(method)
  }
  return [
    unary(etcdCluster.memberList, async ({ linearizable }, context) => {
      if (linearizable) await confirm(parts.door, context)
      // Its header tells no revision, as etcd's does not.
      return { header: parts.headers.of(0), members: listed(parts) }
    }),
    unary(etcdCluster.memberAdd, refuse('MemberAdd')),
    unary(etcdCluster.memberRemove, refuse('MemberRemove')),
    unary(etcdCluster.memberUpdate, refuse('MemberUpdate')),
    unary(etcdCluster.memberPromote, refuse('MemberPromote')),
  ]
}

async function confirm(door: EtcdDoor, context: CallContext): Promise<void> {
  if (!door.serving()) throw notServing()
  const outcome = await door.read(Math.min(context.remainingMs(), door.commandTimeoutMs))
  // Ordered reads are no reason to refuse: the members are those of the start, on every node.
  if (outcome.type !== 'Ready' && outcome.type !== 'Unsupported') throw etcdError(outcome)
}

function listed({ members, ids, clientEndpointOf }: ClusterParts): Member[] {
  return members.map(({ name, address }) => {
    const endpoint = clientEndpointOf(name)
    return {
      ID: ids.memberOf(name),
      name,
      peerURLs: [`http://${address}`],
      clientURLs: endpoint === '' ? [] : [`http://${endpoint}`],
      isLearner: false,
    }
  })
}
