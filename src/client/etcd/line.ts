/**
 * Waiting in line, as etcd's own locks and elections do it, so that theirs and ours exclude each other: whoever waits
 * has a key of its lease's own below a common prefix, and whose key was created first is next.
 */
import type { RangeResponse, TxnResponse } from '../../gen/etcd/api/etcdserverpb/rpc.js'
import { ClientError, CompactedError } from '../errors.js'
import type { Bytes } from '../kv.js'
import { toBytes } from '../kv.js'
import type { Calls } from './calls.js'
import { hexOf, type Lease } from './lease.js'
import { TXN } from './methods.js'
import { compare, op, Txn } from './txn.js'
import { Watch } from './watch.js'

export interface Place {
  /** What the line is for, with a slash at the end. */
  readonly prefix: string
  readonly key: string
  /** In which the key was created: of two that were ever first in line, the later has the greater one. */
  readonly revision: number
}

/** Takes the last place. Repeated after an unknown outcome, it finds the place that it took. */
export async function takePlace(
  calls: Calls,
  line: { readonly name: string; readonly lease: Lease; readonly value: Bytes },
  signal?: AbortSignal,
): Promise<Place> {
  const prefix = `${line.name}/`
  const key = prefix + hexOf(line.lease.id)
  const create = txn(calls, signal)
    .if(compare.createRevision(key, '=', 0))
    .success(op.put(key, line.value, { lease: line.lease.id }))
    .failure(op.get(key))
  const response = await create.commit()
  const [kv] = rangeOf(response)?.kvs ?? []
  if (kv === undefined) return { prefix, key, revision: response.header?.revision ?? 0 }
  const place = { prefix, key, revision: kv.createRevision }
  const same = Buffer.from(toBytes(line.value)).equals(kv.value)
  if (!same) await writePlace(calls, place, line.lease, line.value)
  return place
}

/** Another value for a place that is still held. Throws `LeaseLost` when it is not. */
export async function writePlace(
  calls: Calls,
  place: Place,
  lease: Lease,
  value: Bytes,
): Promise<void> {
  const write = txn(calls)
    .if(compare.createRevision(place.key, '=', place.revision))
    .success(op.put(place.key, value, { lease: lease.id }))
  if (!(await write.commit()).succeeded) throw gone(place)
}

export async function leavePlace(calls: Calls, place: Place): Promise<void> {
  await txn(calls)
    .if(compare.createRevision(place.key, '=', place.revision))
    .success(op.delete(place.key))
    .commit()
}

/** Resolves when nobody is before us. Throws the signal's reason, or `LeaseLost` when the place is lost meanwhile. */
export async function awaitTurn(calls: Calls, place: Place, signal: AbortSignal): Promise<void> {
  for (;;) {
    const ahead = await txn(calls, signal)
      .if(compare.createRevision(place.key, '=', place.revision))
      .success(
        op.get(place.prefix, {
          prefix: true,
          sortTarget: 'create',
          sortOrder: 'descend',
          maxCreateRevision: place.revision - 1,
          limit: 1,
          keysOnly: true,
        }),
      )
      .commit()
    if (!ahead.succeeded) throw gone(place)
    const [before] = rangeOf(ahead)?.kvs ?? []
    // What is created later stands behind us.
    if (before === undefined || place.revision <= 1) return
    await deletionOf(calls, before.key, (ahead.header?.revision ?? 0) + 1, signal)
  }
}

async function deletionOf(
  calls: Calls,
  key: Uint8Array,
  startRevision: number,
  signal: AbortSignal,
): Promise<void> {
  const watch = new Watch(calls, key, { startRevision, only: 'delete', signal })
  try {
    await watch.next()
  } catch (error) {
    // So much has happened since that it is time to look again.
    if (!(error instanceof CompactedError)) throw error
  } finally {
    watch.close()
  }
  signal.throwIfAborted()
  if (calls.closed) throw new ClientError('Closed', 'the client is closed')
}

/** Each of these transactions does twice what it does once: it names the revision that it is about. */
function txn(calls: Calls, signal?: AbortSignal): Txn {
  return new Txn((request) => calls.unary(TXN, request, { repeat: 'repeatable', signal }))
}

function rangeOf(response: TxnResponse): RangeResponse | null {
  const first = response.responses[0]?.response
  return first?.$case === 'responseRange' ? first.value : null
}

function gone(place: Place): ClientError {
  return new ClientError('LeaseLost', `${place.key} is gone: its lease has expired or was revoked`)
}
