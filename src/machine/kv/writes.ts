/** Put and DeleteRange inside a change that the caller commits. */
import { EMPTY } from '../../base/bytes.js'
import { latin1Decode } from '../../base/latin1.js'
import type { DeleteRangeRequest, PutRequest } from '../../gen/etcd/api/etcdserverpb/rpc.js'
import { KV_ERRORS, type KvError } from './errors.js'
import { spanOf, type Version } from './history.js'
import { keyRange } from './range.js'
import { type Reply, sized } from './replies.js'
import type { Store } from './store.js'

/** What the state says against a put by itself. */
export function checkPutState(store: Store, request: PutRequest): KvError | null {
  return checkLease(store, request) ?? checkIgnore(store, request)
}

/** The same inside a transaction, where etcd asks the other way round. */
export function checkTxnPutState(store: Store, request: PutRequest): KvError | null {
  return checkIgnore(store, request) ?? checkLease(store, request)
}

function checkIgnore(store: Store, request: PutRequest): KvError | null {
  if (!request.ignoreValue && !request.ignoreLease) return null
  return store.get(latin1Decode(request.key)) === null ? KV_ERRORS.keyNotFound : null
}

function checkLease(store: Store, { lease }: PutRequest): KvError | null {
  return lease === '0' || store.leases.get(lease) !== null ? null : KV_ERRORS.leaseNotFound
}

/** The request has passed the checks above, so it cannot fail. */
export function runPut(store: Store, request: PutRequest): Reply {
  const key = latin1Decode(request.key)
  const before = store.get(key)
  const value = request.ignoreValue ? (before?.value ?? EMPTY) : request.value
  const lease = request.ignoreLease ? (before?.lease ?? '0') : request.lease
  store.put(key, store.copyValue(spanOf(value)), lease)
  const prev = request.prevKv ? before : null
  return sized({ type: 'Put', revision: store.visibleRevision, prev })
}

export function runDeleteRange(store: Store, request: DeleteRangeRequest): Reply {
  store.counts.deletes++
  const found: Version[] = []
  const range = keyRange(request.key, request.rangeEnd)
  store.scan(range, store.visibleRevision, (version) => {
    found.push(version)
    return true
  })
  for (const version of found) store.delete(version)
  return sized({
    type: 'DeleteRange',
    revision: store.visibleRevision,
    deleted: found.length,
    prevs: request.prevKv ? found : [],
  })
}
