/**
 * Whose turn it is, as etcd's clients agree on it: everybody puts a key of his lease under a name, and it is the turn of
 * the one that was created first. Who waits, waits for the key just before his own to go.
 */
import { concat } from '../../../base/bytes.js'
import { latin1Decode } from '../../../base/latin1.js'
import { utf8Encode } from '../../../base/utf8.js'
import { LeaseGrantRequest, LeaseGrantResponse } from '../../../gen/etcd/api/etcdserverpb/rpc.js'
import { CommandTag } from '../../../machine/kv/commands.js'
import type { WatchHub } from '../../../machine/watch/hub.js'
import { Code, RpcError } from '../../../rpc/status.js'
import type { CallContext } from '../../../rpc/types.js'
import { type CommandParts, runCommand } from '../commands.js'
import { freeLeaseId } from '../lease/lease-id.js'
import { oneDeleted } from './changes.js'
import { deleteOp, getOp, Keyspace, NO_CALLER, putOp } from './keyspace.js'

export interface TurnParts extends CommandParts {
  readonly hub: WatchHub
}

/** Of a lease that the server grants, where the client names none. Nobody keeps it alive. */
const LEASE_TTL_S = 60
const SLASH = Uint8Array.of(0x2f)

export interface Place {
  readonly key: Uint8Array
  /** Revision that created the key. */
  readonly rev: number
  readonly lease: string
  /** Of the store when the place was taken, or found taken. */
  readonly revision: number
  /** The value it has, where the lease had taken the place before. */
  readonly found: Uint8Array | null
}

export function prefixOf(name: Uint8Array): Uint8Array {
  return concat([name, SLASH])
}

/** The lease of the request, or a new one. */
export async function leaseOf(
  parts: CommandParts,
  asked: string,
  context: Pick<CallContext, 'remainingMs'>,
): Promise<string> {
  if (asked !== '0') return asked
  const ID = freeLeaseId()
  const request = LeaseGrantRequest.encode({ TTL: String(LEASE_TTL_S), ID }).finish()
  const response = await runCommand(parts, CommandTag.LEASE_GRANT, request, context)
  return LeaseGrantResponse.decode(response).ID
}

/** Puts the lease's key, unless it is there. */
export async function takePlace(
  keys: Keyspace,
  prefix: Uint8Array,
  { lease, value }: { readonly lease: string; readonly value: Uint8Array },
): Promise<Place> {
  const key = concat([prefix, utf8Encode(BigInt(lease).toString(16))])
  const done = await keys.ifCreatedAt(key, 0, [putOp(key, value, lease)], [getOp(key)])
  const { revision, kv } = done
  if (done.succeeded || kv === null) return { key, rev: revision, lease, revision, found: null }
  return { key, rev: kv.createRevision, lease, revision, found: kv.value }
}

/**
 * Ends when no key under the prefix is older than the place; gives the revision of then. Throws when the place itself is
 * gone, by its lease or by hand, and when the signal says so: then the place is given up.
 */
export async function awaitTurn(
  parts: TurnParts,
  keys: Keyspace,
  prefix: Uint8Array,
  place: Place,
  signal: AbortSignal,
): Promise<number> {
  try {
    for (;;) {
      const before = await keys.lastUpTo(prefix, place.rev - 1)
      const own = await keys.get(place.key)
      if (own.kv?.createRevision !== place.rev)
        throw new RpcError(Code.UNKNOWN, 'mutex: session is expired')
      if (before.kv === null) return own.revision
      const watched = [latin1Decode(before.kv.key), latin1Decode(place.key)]
      await oneDeleted(parts.hub, watched, before.revision + 1, signal)
    }
  } catch (error) {
    const afterwards = new Keyspace(parts, NO_CALLER)
    // Where that cannot be ordered either, the lease's end does it.
    await afterwards.ifCreatedAt(place.key, place.rev, [deleteOp(place.key)]).catch(() => {})
    throw error
  }
}

/** Ends with the call, if that is cancelled or out of time. */
export function signalOf(context: CallContext): AbortSignal {
  const controller = new AbortController()
  context.onCancelled(() => controller.abort(new RpcError(Code.CANCELLED, 'context canceled')))
  return controller.signal
}

/** As etcd, whose own server is a client here: what is wrong with a request has lost its code, but not its text. */
export function asOfAClient(error: unknown): unknown {
  const codes: readonly Code[] = [Code.NOT_FOUND, Code.INVALID_ARGUMENT, Code.FAILED_PRECONDITION]
  if (!(error instanceof RpcError) || !codes.includes(error.code)) return error
  return new RpcError(Code.UNKNOWN, error.message)
}
