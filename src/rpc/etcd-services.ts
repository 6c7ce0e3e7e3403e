/** The methods of etcd's API that this server has, for whoever serves and whoever calls them. */
import {
  AuthDefinition,
  ClusterDefinition,
  KVDefinition,
  LeaseDefinition,
  MaintenanceDefinition,
  WatchDefinition,
} from '../gen/etcd/api/etcdserverpb/rpc.js'
import { ElectionDefinition } from '../gen/etcd/api/v3electionpb/v3election.js'
import { LockDefinition } from '../gen/etcd/api/v3lockpb/v3lock.js'
import { streamMethod, unaryMethod } from './methods.js'
import type { Codec, StreamMethod, UnaryMethod } from './types.js'

/** Messages stay as they were on the wire: whoever handles them knows their fields. */
const asEncoded: Codec<Uint8Array> = {
  encode: (bytes) => bytes,
  decode: (bytes) => bytes,
}

function encoded(
  service: { readonly fullName: string },
  method: { readonly name: string },
): UnaryMethod<Uint8Array, Uint8Array> {
  const path = `/${service.fullName}/${method.name}`
  return { kind: 'unary', path, request: asEncoded, response: asEncoded }
}

function encodedStream(
  service: { readonly fullName: string },
  method: { readonly name: string },
): StreamMethod<Uint8Array, Uint8Array> {
  const path = `/${service.fullName}/${method.name}`
  return { kind: 'stream', path, request: asEncoded, response: asEncoded, joins: false }
}

const { methods: kv } = KVDefinition
export const etcdKv = {
  range: encoded(KVDefinition, kv.range),
  put: encoded(KVDefinition, kv.put),
  deleteRange: encoded(KVDefinition, kv.deleteRange),
  txn: encoded(KVDefinition, kv.txn),
  compact: encoded(KVDefinition, kv.compact),
  /** Of etcd 3.7. */
  rangeStream: encodedStream(KVDefinition, { name: 'RangeStream' }),
} as const

export const etcdWatch = {
  watch: streamMethod(WatchDefinition, WatchDefinition.methods.watch),
} as const

const { methods: lease } = LeaseDefinition
export const etcdLease = {
  grant: encoded(LeaseDefinition, lease.leaseGrant),
  revoke: encoded(LeaseDefinition, lease.leaseRevoke),
  keepAlive: streamMethod(LeaseDefinition, lease.leaseKeepAlive),
  timeToLive: encoded(LeaseDefinition, lease.leaseTimeToLive),
  leases: encoded(LeaseDefinition, lease.leaseLeases),
} as const

const { methods: lock } = LockDefinition
export const etcdLock = {
  lock: unaryMethod(LockDefinition, lock.lock),
  unlock: unaryMethod(LockDefinition, lock.unlock),
} as const

const { methods: election } = ElectionDefinition
export const etcdElection = {
  campaign: unaryMethod(ElectionDefinition, election.campaign),
  proclaim: unaryMethod(ElectionDefinition, election.proclaim),
  leader: unaryMethod(ElectionDefinition, election.leader),
  observe: streamMethod(ElectionDefinition, election.observe),
  resign: unaryMethod(ElectionDefinition, election.resign),
} as const

const { methods: cluster } = ClusterDefinition
export const etcdCluster = {
  memberAdd: unaryMethod(ClusterDefinition, cluster.memberAdd),
  memberRemove: unaryMethod(ClusterDefinition, cluster.memberRemove),
  memberUpdate: unaryMethod(ClusterDefinition, cluster.memberUpdate),
  memberList: unaryMethod(ClusterDefinition, cluster.memberList),
  memberPromote: unaryMethod(ClusterDefinition, cluster.memberPromote),
} as const

const { methods: auth } = AuthDefinition
export const etcdAuth = {
  authEnable: unaryMethod(AuthDefinition, auth.authEnable),
  authDisable: unaryMethod(AuthDefinition, auth.authDisable),
  authStatus: unaryMethod(AuthDefinition, auth.authStatus),
  authenticate: unaryMethod(AuthDefinition, auth.authenticate),
  userAdd: unaryMethod(AuthDefinition, auth.userAdd),
  userGet: unaryMethod(AuthDefinition, auth.userGet),
  userList: unaryMethod(AuthDefinition, auth.userList),
  userDelete: unaryMethod(AuthDefinition, auth.userDelete),
  userChangePassword: unaryMethod(AuthDefinition, auth.userChangePassword),
  userGrantRole: unaryMethod(AuthDefinition, auth.userGrantRole),
  userRevokeRole: unaryMethod(AuthDefinition, auth.userRevokeRole),
  roleAdd: unaryMethod(AuthDefinition, auth.roleAdd),
  roleGet: unaryMethod(AuthDefinition, auth.roleGet),
  roleList: unaryMethod(AuthDefinition, auth.roleList),
  roleDelete: unaryMethod(AuthDefinition, auth.roleDelete),
  roleGrantPermission: unaryMethod(AuthDefinition, auth.roleGrantPermission),
  roleRevokePermission: unaryMethod(AuthDefinition, auth.roleRevokePermission),
} as const

const { methods: maintenance } = MaintenanceDefinition
export const etcdMaintenance = {
  alarm: encoded(MaintenanceDefinition, maintenance.alarm),
  status: unaryMethod(MaintenanceDefinition, maintenance.status),
  defragment: unaryMethod(MaintenanceDefinition, maintenance.defragment),
  hash: unaryMethod(MaintenanceDefinition, maintenance.hash),
  hashKv: unaryMethod(MaintenanceDefinition, maintenance.hashKV),
  snapshot: streamMethod(MaintenanceDefinition, maintenance.snapshot),
  moveLeader: unaryMethod(MaintenanceDefinition, maintenance.moveLeader),
  downgrade: unaryMethod(MaintenanceDefinition, maintenance.downgrade),
} as const
