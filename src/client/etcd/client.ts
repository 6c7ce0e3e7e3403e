/**
 * A client of etcd's v3 API: of a Quorate cluster, over Raft or PBFT, and of etcd itself. It asks the endpoints that it
 * was given in turn, repeats what is certain to do no harm, and says so when it cannot know whether something was done.
 *
 * It believes the member that it asks. Where no member is to be believed alone, `Client` with `pbft` is for it.
 */
import type {
  AlarmMember,
  AlarmResponse,
  CompactionResponse,
  DeleteRangeResponse,
  HashKVResponse,
  LeaseGrantResponse,
  LeaseKeepAliveResponse,
  LeaseLeasesResponse,
  LeaseRevokeResponse,
  LeaseTimeToLiveResponse,
  MemberListResponse,
  PutResponse,
  RangeResponse,
  StatusResponse,
  TxnResponse,
} from '../../gen/etcd/api/etcdserverpb/rpc.js'
import type { KeyValue } from '../../gen/etcd/api/mvccpb/kv.js'
import type { CallTimeout } from '../client.js'
import { parseEndpoints } from '../endpoints.js'
import { ClientError } from '../errors.js'
import * as kv from '../kv.js'
import { Calls } from './calls.js'
import { Election } from './election.js'
import { askKeepAlive, grantLease, type Lease, type LeaseOptions } from './lease.js'
import { type HoldOptions, hold, Lock } from './lock.js'
import * as methods from './methods.js'
import { type EtcdClientOptions, etcdSettings } from './options.js'
import { repeatOf, Txn } from './txn.js'
import { Watch, type WatchOptions } from './watch.js'

export interface SerializableOption extends CallTimeout {
  /** True: whatever the member asked has applied; works without a leader. Default: linearizable. */
  readonly serializable?: boolean
}

export class EtcdClient {
  readonly #calls: Calls

  /** Throws ClientError (InvalidRequest) when an endpoint is none, or none is given. Dials nothing yet. */
  constructor(options: EtcdClientOptions) {
    const parsed = parseEndpoints(options.endpoints)
    if ('bad' in parsed)
      throw new ClientError('InvalidRequest', `not an endpoint (host:port): ${parsed.bad}`)
    if (parsed.endpoints.length === 0)
      throw new ClientError('InvalidRequest', 'a client needs at least one endpoint')
    this.#calls = new Calls(parsed.endpoints, etcdSettings(options))
  }

  get endpoints(): readonly string[] {
    return this.#calls.endpoints
  }

  /** Not repeated once it may have been done: then `Indeterminate`. */
  put(
    key: kv.Bytes,
    value: kv.Bytes,
    options: kv.PutOptions & CallTimeout = {},
  ): Promise<PutResponse> {
    const call = { repeat: 'write', timeoutMs: options.timeoutMs } as const
    return this.#calls.unary(methods.PUT, kv.putRequest(key, value, options), call)
  }

  /** The key as it is, or null. */
  async get(
    key: kv.Bytes,
    options: Pick<kv.RangeOptions, 'revision'> & SerializableOption = {},
  ): Promise<KeyValue | null> {
    return (await this.range(key, options)).kvs[0] ?? null
  }

  range(key: kv.Bytes, options: kv.RangeOptions & SerializableOption = {}): Promise<RangeResponse> {
    const serializable = options.serializable ?? false
    const request = { ...kv.rangeRequest(key, options), serializable }
    const call = { repeat: 'read', timeoutMs: options.timeoutMs } as const
    return this.#calls.unary(methods.RANGE, request, call)
  }

  /** Not repeated once it may have been done: then `Indeterminate`. */
  delete(
    key: kv.Bytes,
    options: kv.DeleteOptions & CallTimeout = {},
  ): Promise<DeleteRangeResponse> {
    const call = { repeat: 'write', timeoutMs: options.timeoutMs } as const
    return this.#calls.unary(methods.DELETE_RANGE, kv.deleteRequest(key, options), call)
  }

  /** One that only reads is repeated as reads are. */
  txn(options: CallTimeout = {}): Txn {
    return new Txn((request): Promise<TxnResponse> => {
      const call = { repeat: repeatOf(request), timeoutMs: options.timeoutMs }
      return this.#calls.unary(methods.TXN, request, call)
    })
  }

  watch(key: kv.Bytes, options: WatchOptions = {}): Watch {
    return new Watch(this.#calls, key, options)
  }

  /** Grants a lease and keeps it alive. `ttl` in seconds. */
  lease(ttl: number, options: LeaseOptions = {}): Promise<Lease> {
    return grantLease(this.#calls, ttl, options)
  }

  /** Waits until the lock is ours; see `Lock.token` and `Lock.lost`. */
  async lock(name: string, options: HoldOptions = {}): Promise<Lock> {
    return new Lock(await hold(this.#calls, name, '', options))
  }

  election(name: string): Election {
    return new Election(this.#calls, name)
  }

  /** Forgets the history below `revision`. With `physical` once the space is given back, too. */
  compact(
    revision: number,
    options: { readonly physical?: boolean } & CallTimeout = {},
  ): Promise<CompactionResponse> {
    const request = { revision, physical: options.physical ?? false }
    const call = { repeat: 'write', timeoutMs: options.timeoutMs } as const
    return this.#calls.unary(methods.COMPACT, request, call)
  }

  // Leases of anybody's, by id.

  grant(ttl: number, id = '0'): Promise<LeaseGrantResponse> {
    return this.#calls.unary(methods.LEASE_GRANT, { TTL: String(ttl), ID: id }, { repeat: 'write' })
  }

  revoke(id: string): Promise<LeaseRevokeResponse> {
    return this.#calls.unary(methods.LEASE_REVOKE, { ID: id }, { repeat: 'write' })
  }

  /** Its TTL is 0 when the cluster does not know the lease. */
  async keepAliveOnce(id: string): Promise<LeaseKeepAliveResponse> {
    return (await askKeepAlive(this.#calls, id)).response
  }

  timeToLive(id: string, keys = false): Promise<LeaseTimeToLiveResponse> {
    return this.#calls.unary(methods.LEASE_TIME_TO_LIVE, { ID: id, keys }, { repeat: 'read' })
  }

  leases(): Promise<LeaseLeasesResponse> {
    return this.#calls.unary(methods.LEASE_LEASES, {}, { repeat: 'read' })
  }

  // Members.

  memberList(options: { readonly linearizable?: boolean } = {}): Promise<MemberListResponse> {
    const request = { linearizable: options.linearizable ?? true }
    return this.#calls.unary(methods.MEMBER_LIST, request, { repeat: 'read' })
  }

  alarms(): Promise<AlarmResponse> {
    return this.#calls.unary(methods.ALARM, { action: 0, memberID: '0', alarm: 0 }, READ)
  }

  /** One of them; without it, or with zeros, all that there are, each by itself. Tells those that were. */
  async disarm(alarm: AlarmMember = NO_ALARM): Promise<AlarmResponse> {
    const clear = (one: AlarmMember) =>
      this.#calls.unary(methods.ALARM, { action: 2, ...one }, { repeat: 'repeatable' })
    if (alarm.memberID !== NO_ALARM.memberID || alarm.alarm !== NO_ALARM.alarm) return clear(alarm)
    const { header, alarms } = await this.alarms()
    const cleared: AlarmMember[] = []
    for (const one of alarms) cleared.push(...(await clear(one)).alarms)
    return { header, alarms: cleared }
  }

  // One member, the one at `endpoint`.

  status(endpoint: string, options: CallTimeout = {}): Promise<StatusResponse> {
    return this.#calls.at(endpoint, methods.STATUS, {}, options.timeoutMs)
  }

  /** Of Quorate's members none has anything to do. */
  async defragment(endpoint: string): Promise<void> {
    await this.#calls.at(endpoint, methods.DEFRAGMENT, {})
  }

  hashKv(endpoint: string, revision = 0): Promise<HashKVResponse> {
    return this.#calls.at(endpoint, methods.HASH_KV, { revision })
  }

  /** A linearizable read by this member: it is healthy when it can. */
  async ping(endpoint: string, options: CallTimeout = {}): Promise<void> {
    const request = kv.rangeRequest('health')
    await this.#calls.at(endpoint, methods.RANGE, request, options.timeoutMs)
  }

  /** Of the leader, at `endpoint`: hands over to the member `target`. */
  async moveLeader(endpoint: string, target: string): Promise<void> {
    await this.#calls.at(endpoint, methods.MOVE_LEADER, { targetID: target })
  }

  /** Ends every call and watch, and keeps no lease alive any more; what has no answer yet is rejected. */
  close(): void {
    this.#calls.close()
  }
}

const READ = { repeat: 'read' } as const

const NO_ALARM: AlarmMember = { memberID: '0', alarm: 0 }
