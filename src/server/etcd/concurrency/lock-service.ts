/** v3lockpb.Lock: locks whose fencing token is the create revision of the key that comes back. */
import { EMPTY } from '../../../base/bytes.js'
import { DeleteRangeRequest, DeleteRangeResponse } from '../../../gen/etcd/api/etcdserverpb/rpc.js'
import type { LockRequest, LockResponse } from '../../../gen/etcd/api/v3lockpb/v3lock.js'
import { CommandTag } from '../../../machine/kv/commands.js'
import { etcdLock } from '../../../rpc/etcd-services.js'
import { type CallContext, type Route, unary } from '../../../rpc/types.js'
import { runCommand } from '../commands.js'
import { Keyspace } from './keyspace.js'
import {
  asOfAClient,
  awaitTurn,
  leaseOf,
  prefixOf,
  signalOf,
  type TurnParts,
  takePlace,
} from './turns.js'

export function lockRoutes(parts: TurnParts): Route[] {
  return [
    unary(etcdLock.lock, (request, context) =>
      lock(parts, request, context).catch((error: unknown) => {
        throw asOfAClient(error)
      }),
    ),
    unary(etcdLock.unlock, ({ key }, context) =>
      unlock(parts, key, context).catch((error: unknown) => {
        throw asOfAClient(error)
      }),
    ),
  ]
}

async function lock(
  parts: TurnParts,
  { name, lease: asked }: LockRequest,
  context: CallContext,
): Promise<LockResponse> {
  const keys = new Keyspace(parts, context)
  const prefix = prefixOf(name)
  const lease = await leaseOf(parts, asked, context)
  const place = await takePlace(keys, prefix, { lease, value: EMPTY })
  const revision = await awaitTurn(parts, keys, prefix, place, signalOf(context))
  return { header: parts.headers.of(revision), key: place.key }
}

async function unlock(parts: TurnParts, key: Uint8Array, context: CallContext) {
  const request = DeleteRangeRequest.encode({ key, rangeEnd: EMPTY, prevKv: false }).finish()
  const response = await runCommand(parts, CommandTag.DELETE_RANGE, request, context)
  return { header: DeleteRangeResponse.decode(response).header }
}
