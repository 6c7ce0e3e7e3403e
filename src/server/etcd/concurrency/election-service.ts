/** v3electionpb.Election: who leads under a name, in terms that are numbered by the create revision of the leader's key. */
import { equalBytes } from '../../../base/bytes.js'
import type {
  CampaignRequest,
  CampaignResponse,
  LeaderKey,
  LeaderResponse,
  ProclaimResponse,
  ResignResponse,
} from '../../../gen/etcd/api/v3electionpb/v3election.js'
import { etcdElection } from '../../../rpc/etcd-services.js'
import { Code, RpcError } from '../../../rpc/status.js'
import { type CallContext, type Route, streaming, unary } from '../../../rpc/types.js'
import { notServing } from '../errors.js'
import { deleteOp, Keyspace, putOp } from './keyspace.js'
import { observe } from './observe.js'
import {
  asOfAClient,
  awaitTurn,
  leaseOf,
  prefixOf,
  signalOf,
  type TurnParts,
  takePlace,
} from './turns.js'

export function electionRoutes(parts: TurnParts): Route[] {
  return [
    unary(etcdElection.campaign, (request, context) =>
      campaign(parts, request, context).catch((error: unknown) => {
        throw asOfAClient(error)
      }),
    ),
    unary(etcdElection.proclaim, ({ leader, value }, context) =>
      proclaim(parts, leader, value, context).catch((error: unknown) => {
        throw asOfAClient(error)
      }),
    ),
    unary(etcdElection.leader, ({ name }, context) => leader(parts, name, context)),
    unary(etcdElection.resign, ({ leader }, context) => resign(parts, leader, context)),
    streaming(etcdElection.observe, (stream) => {
      if (parts.door.serving()) observe(stream, parts)
      else stream.fail(notServing())
    }),
  ]
}

async function campaign(
  parts: TurnParts,
  { name, lease: asked, value }: CampaignRequest,
  context: CallContext,
): Promise<CampaignResponse> {
  const keys = new Keyspace(parts, context)
  const prefix = prefixOf(name)
  const lease = await leaseOf(parts, asked, context)
  const place = await takePlace(keys, prefix, { lease, value })
  const leader = { name, key: place.key, rev: place.rev, lease }
  // The lease campaigned before: it goes on, with what it says now.
  if (place.found !== null && !equalBytes(place.found, value))
    await proclaim(parts, leader, value, context)
  await awaitTurn(parts, keys, prefix, place, signalOf(context))
  return { header: parts.headers.of(place.revision), leader }
}

async function proclaim(
  parts: TurnParts,
  leader: LeaderKey | undefined,
  value: Uint8Array,
  context: CallContext,
): Promise<ProclaimResponse> {
  const { key, rev, lease } = named(leader)
  const keys = new Keyspace(parts, context)
  const { succeeded, revision } = await keys.ifCreatedAt(key, rev, [putOp(key, value, lease)])
  if (!succeeded) throw new RpcError(Code.UNKNOWN, 'election: not leader')
  return { header: parts.headers.of(revision) }
}

async function leader(
  parts: TurnParts,
  name: Uint8Array,
  context: CallContext,
): Promise<LeaderResponse> {
  const { kv, revision } = await new Keyspace(parts, context).first(prefixOf(name))
  if (kv === null) throw new RpcError(Code.UNKNOWN, 'election: no leader')
  return { header: parts.headers.of(revision), kv }
}

/** Of a term that is over, it is done already. */
async function resign(
  parts: TurnParts,
  leader: LeaderKey | undefined,
  context: CallContext,
): Promise<ResignResponse> {
  const { key, rev } = named(leader)
  const { revision } = await new Keyspace(parts, context).ifCreatedAt(key, rev, [deleteOp(key)])
  return { header: parts.headers.of(revision) }
}

function named(leader: LeaderKey | undefined): LeaderKey {
  if (leader === undefined) throw new RpcError(Code.UNKNOWN, '"leader" field must be provided')
  return leader
}
