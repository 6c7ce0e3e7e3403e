/** What is done with leases, by commands and by time, inside a change that the caller commits. */
import { latin1Encode } from '../../base/latin1.js'
import {
  type LeaseGrantRequest,
  LeaseGrantResponse,
  LeaseLeasesResponse,
  type LeaseRevokeRequest,
  LeaseRevokeResponse,
  type LeaseTimeToLiveRequest,
  LeaseTimeToLiveResponse,
  type ResponseHeader,
} from '../../gen/etcd/api/etcdserverpb/rpc.js'
import { type LeaseKeepAlives, LeaseKeepAlivesResponse } from '../../gen/quorate/kv/v1/kv.js'
import { ANSWER_BYTES_MAX } from './answer-size.js'
import { KV_ERRORS, type KvError } from './errors.js'
import { LEASE_TTL_S_MAX, LEASE_TTL_S_MIN, LEASES_MAX, type Lease } from './leases.js'
import { encodeError, encodeMessage } from './replies.js'
import type { Store } from './store.js'

/** Leases that one entry expires; the next entry goes on. */
export const EXPIRED_PER_ENTRY_MAX = 1_000

/** What is due at this time ends: by deadline, then id; each is a revision of its own if it has keys. */
export function expireLeases(store: Store, time: number): void {
  for (let left = EXPIRED_PER_ENTRY_MAX; left > 0; left--) {
    const lease = store.leases.first
    if (lease === null || lease.deadline > time) return
    store.counts.leasesExpired++
    end(store, lease)
    store.commit()
  }
}

/** The request is valid, so its TTL is no larger than can be granted. */
export function grantLease(store: Store, request: LeaseGrantRequest, time: number): Uint8Array {
  const { leases } = store
  if (leases.get(request.ID) !== null) return encodeError(KV_ERRORS.leaseExists)
  if (leases.size >= LEASES_MAX) return encodeError(KV_ERRORS.tooManyLeases)
  const ttl = Math.max(LEASE_TTL_S_MIN, Number(request.TTL))
  store.counts.leasesGranted++
  leases.add({ id: request.ID, ttl, deadline: time + ttl * 1000 })
  const response = { header: headerOf(store), ID: request.ID, TTL: ttl, error: '' }
  return encodeMessage(LeaseGrantResponse, response)
}

export function revokeLease(store: Store, request: LeaseRevokeRequest): Uint8Array {
  const lease = store.leases.get(request.ID)
  if (lease === null) return encodeError(KV_ERRORS.leaseNotFound)
  end(store, lease)
  store.counts.leasesRevoked++
  return encodeMessage(LeaseRevokeResponse, { header: headerOf(store) })
}

/** One that is due is not renewed any more: it was only not its turn yet. */
export function keepAlive(store: Store, { ids }: LeaseKeepAlives, time: number): Uint8Array {
  const ttls = ids.map((id) => {
    const lease = store.leases.get(id)
    if (lease === null || lease.deadline <= time) return 0
    store.leases.renew(id, time)
    store.counts.leasesRenewed++
    return lease.ttl
  })
  return encodeMessage(LeaseKeepAlivesResponse, { header: headerOf(store), ttls })
}

export function timeToLive(
  store: Store,
  request: LeaseTimeToLiveRequest,
  time: number,
): Uint8Array {
  const lease = store.leases.get(request.ID)
  const known = lease !== null && lease.deadline > time
  const keys = known && request.keys ? [...lease.keys].sort().map(latin1Encode) : []
  if (keys.reduce((sum, key) => sum + key.length, 0) > ANSWER_BYTES_MAX)
    return encodeError(KV_ERRORS.answerTooLarge)
  return encodeMessage(LeaseTimeToLiveResponse, {
    header: headerOf(store),
    ID: request.ID,
    TTL: known ? Math.floor((lease.deadline - time) / 1000) : -1,
    grantedTTL: known ? lease.ttl : 0,
    keys,
  })
}

export function listLeases(store: Store): Uint8Array {
  const leases = store.leases.byDeadline().map(({ id }) => ({ ID: id }))
  return encodeMessage(LeaseLeasesResponse, { header: headerOf(store), leases })
}

/** What is wrong with a grant whatever the state is. */
export function checkGrant({ ID, TTL }: LeaseGrantRequest): KvError | null {
  if (ID === '0') return KV_ERRORS.leaseWithoutId
  return BigInt(TTL) > BigInt(LEASE_TTL_S_MAX) ? KV_ERRORS.leaseTtlTooLarge : null
}

/** Its keys go in their order, so that their deletions are numbered alike on every node. */
function end(store: Store, lease: Lease): void {
  for (const key of [...lease.keys].sort()) {
    const version = store.get(key)
    if (version !== null) store.delete(version)
  }
  store.leases.remove(lease.id)
}

function headerOf(store: Store): ResponseHeader {
  return { clusterId: '0', memberId: '0', revision: store.visibleRevision, raftTerm: 0 }
}
