/** etcdserverpb.Cluster: who is in it. Its changes come with membership changes. */
import type { NodeId } from '../../consensus/ids.js'
import type { Member } from '../../gen/etcd/api/etcdserverpb/rpc.js'
import { etcdCluster } from '../../rpc/etcd-services.js'
import { Code, RpcError } from '../../rpc/status.js'
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
  const { ids } = parts
  /** Of whom it is asked must be a member; for all of them its time comes later. */
  const refuse = (method: string) => (request: { readonly ID: string }) => {
    if (ids.nameOf(request.ID) === null)
      throw new RpcError(Code.NOT_FOUND, 'etcdserver: member not found')
    throw notYet(method)
  }
  return [
    unary(etcdCluster.memberList, async ({ linearizable }, context) => {
      if (linearizable) await confirm(parts.door, context)
      // Its header tells no revision, as etcd's does not.
      return { header: parts.headers.of(0), members: listed(parts) }
    }),
    unary(etcdCluster.memberAdd, ({ peerURLs }) => {
      if (peerURLs.length === 0 || !peerURLs.every(isPeerUrl))
        throw new RpcError(Code.INVALID_ARGUMENT, 'etcdserver: given member URLs are invalid')
      throw notYet('MemberAdd')
    }),
    unary(etcdCluster.memberRemove, refuse('MemberRemove')),
    unary(etcdCluster.memberUpdate, refuse('MemberUpdate')),
    unary(etcdCluster.memberPromote, refuse('MemberPromote')),
  ]
}

/** As etcd reads them: a scheme, a host with a port, and nothing behind. */
function isPeerUrl(text: string): boolean {
  return /^(https?|unixs?):\/\/[^/]+:[0-9]+$/.test(text)
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
