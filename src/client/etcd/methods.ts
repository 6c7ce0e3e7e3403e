/** The methods of etcd's API that the client calls. */
import {
  ClusterDefinition,
  KVDefinition,
  LeaseDefinition,
  MaintenanceDefinition,
  WatchDefinition,
} from '../../gen/etcd/api/etcdserverpb/rpc.js'
import { streamMethod, unaryMethod } from '../../rpc/methods.js'

const { methods: kv } = KVDefinition
export const RANGE = unaryMethod(KVDefinition, kv.range)
export const PUT = unaryMethod(KVDefinition, kv.put)
export const DELETE_RANGE = unaryMethod(KVDefinition, kv.deleteRange)
export const TXN = unaryMethod(KVDefinition, kv.txn)
export const COMPACT = unaryMethod(KVDefinition, kv.compact)

export const WATCH = streamMethod(WatchDefinition, WatchDefinition.methods.watch)

const { methods: lease } = LeaseDefinition
export const LEASE_GRANT = unaryMethod(LeaseDefinition, lease.leaseGrant)
export const LEASE_REVOKE = unaryMethod(LeaseDefinition, lease.leaseRevoke)
export const LEASE_KEEP_ALIVE = streamMethod(LeaseDefinition, lease.leaseKeepAlive)
export const LEASE_TIME_TO_LIVE = unaryMethod(LeaseDefinition, lease.leaseTimeToLive)
export const LEASE_LEASES = unaryMethod(LeaseDefinition, lease.leaseLeases)

export const MEMBER_LIST = unaryMethod(ClusterDefinition, ClusterDefinition.methods.memberList)

const { methods: maintenance } = MaintenanceDefinition
export const ALARM = unaryMethod(MaintenanceDefinition, maintenance.alarm)
export const STATUS = unaryMethod(MaintenanceDefinition, maintenance.status)
export const HASH_KV = unaryMethod(MaintenanceDefinition, maintenance.hashKV)
export const DEFRAGMENT = unaryMethod(MaintenanceDefinition, maintenance.defragment)
export const MOVE_LEADER = unaryMethod(MaintenanceDefinition, maintenance.moveLeader)
