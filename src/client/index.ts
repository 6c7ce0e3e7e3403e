/** The TypeScript client. */
export type { KeyValue } from '../gen/etcd/api/mvccpb/kv.js'
export type { TargetFaults } from '../gen/quorate/v1/faults.js'
export type { StatusResponse } from '../gen/quorate/v1/quorate.js'
export { type CallTimeout, Client, type ReadOptions } from './client.js'
export { Connections, type ConnectionsOptions } from './connections.js'
export { type Endpoint, formatEndpoint, parseEndpoint, parseEndpoints } from './endpoints.js'
export { ClientError, type ClientErrorKind, CompactedError } from './errors.js'
export { EtcdClient, type SerializableOption } from './etcd/client.js'
export { Election, Leadership } from './etcd/election.js'
export { Lease, type LeaseOptions } from './etcd/lease.js'
export { type HoldOptions, Lock } from './etcd/lock.js'
export type { EtcdClientOptions } from './etcd/options.js'
export { type Comparator, type CompareSpan, compare, op, Txn } from './etcd/txn.js'
export { Watch, type WatchBatch, type WatchEvent, type WatchOptions } from './etcd/watch.js'
export {
  type Bytes,
  type DeleteOptions,
  type PutOptions,
  prefixEnd,
  type RangeOptions,
  type SortOrder,
  type SortTarget,
} from './kv.js'
export type { ClientOptions } from './options.js'
export { speaksPbft } from './pbft/detect.js'
export type { PbftTrust } from './pbft/meeting.js'
export type { Trust } from './pbft/trust.js'
