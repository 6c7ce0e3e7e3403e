/** etcdserverpb.Lease. */
import { LeaseGrantRequest, LeaseGrantResponse } from '../../../gen/etcd/api/etcdserverpb/rpc.js'
import { CommandTag } from '../../../machine/kv/commands.js'
import { etcdLease } from '../../../rpc/etcd-services.js'
import { type Route, streaming, unary } from '../../../rpc/types.js'
import { type CommandParts, runCommand } from '../commands.js'
import { notServing } from '../errors.js'
import { serveKeepAlives } from './keep-alive-stream.js'
import { KeepAlives } from './keep-alives.js'
import { freeLeaseId } from './lease-id.js'

export interface LeaseParts extends CommandParts {
  /** Hears of what is granted. */
  readonly times?: { leaseGranted(ttlSeconds: number): void }
}

export function leaseRoutes(parts: LeaseParts): Route[] {
  const { LEASE_GRANT, LEASE_REVOKE, LEASE_TIME_TO_LIVE, LEASE_LEASES } = CommandTag
  const keepAlives = new KeepAlives(parts.door, setImmediate)
  return [
    unary(etcdLease.grant, async (request, context) => {
      const response = await runCommand(parts, LEASE_GRANT, withId(request), context)
      parts.times?.leaseGranted(Number(LeaseGrantResponse.decode(response).TTL))
      return response
    }),
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

/** With an id, where the client leaves it open. */
function withId(request: Uint8Array): Uint8Array {
  let decoded: LeaseGrantRequest
  try {
    decoded = LeaseGrantRequest.decode(request)
  } catch {
    // As a command it is refused.
    return request
  }
  if (decoded.ID !== '0') return request
  return LeaseGrantRequest.encode({ ...decoded, ID: freeLeaseId() }).finish()
}
