/** etcdserverpb.Lease. */
import { randomBytes } from 'node:crypto'
import { LeaseGrantRequest } from '../../../gen/etcd/api/etcdserverpb/rpc.js'
import { CommandTag } from '../../../machine/kv/commands.js'
import { etcdLease } from '../../../rpc/etcd-services.js'
import { type Route, streaming, unary } from '../../../rpc/types.js'
import { type CommandParts, runCommand } from '../commands.js'
import { notServing } from '../errors.js'
import { serveKeepAlives } from './keep-alive-stream.js'
import { KeepAlives } from './keep-alives.js'

export function leaseRoutes(parts: CommandParts): Route[] {
  const { LEASE_GRANT, LEASE_REVOKE, LEASE_TIME_TO_LIVE, LEASE_LEASES } = CommandTag
  const keepAlives = new KeepAlives(parts.door, setImmediate)
  return [
    unary(etcdLease.grant, (request, context) =>
      runCommand(parts, LEASE_GRANT, withId(request), context),
    ),
    unary(etcdLease.revoke, (request, context) =>
      runCommand(parts, LEASE_REVOKE, request, context),
    ),
    unary(etcdLease.timeToLive, (request, context) =>
      runCommand(parts, LEASE_TIME_TO_LIVE, request, context),
    ),
    unary(etcdLease.leases, (request, context) =>
      runCommand(parts, LEASE_LEASES, request, context),
    ),
    streaming(etcdLease.keepAlive, (stream) => {
      if (parts.door.serving()) serveKeepAlives(stream, keepAlives, parts.headers)
      else stream.fail(notServing())
    }),
  ]
}

/** Nothing random may be decided where commands are applied, so an id that the client leaves open is chosen here. */
function withId(request: Uint8Array): Uint8Array {
  let decoded: LeaseGrantRequest
  try {
    decoded = LeaseGrantRequest.decode(request)
  } catch {
    // As a command it is refused.
    return request
  }
  if (decoded.ID !== '0') return request
  const id = BigInt.asUintN(63, randomBytes(8).readBigUInt64BE())
  return LeaseGrantRequest.encode({ ...decoded, ID: String(id === 0n ? 1n : id) }).finish()
}
