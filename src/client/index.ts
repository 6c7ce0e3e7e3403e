/** The TypeScript client. */
export type { KeyValue } from '../gen/etcd/api/mvccpb/kv.js'
export type { TargetFaults } from '../gen/quorate/v1/faults.js'
export type { StatusResponse } from '../gen/quorate/v1/quorate.js'
export { type CallTimeout, Client, type ReadOptions } from './client.js'
export { type Endpoint, formatEndpoint, parseEndpoint, parseEndpoints } from './endpoints.js'
export { ClientError, type ClientErrorKind } from './errors.js'
export {
  type Bytes,
  type DeleteOptions,
  type PutOptions,
  prefixEnd,
  type RangeOptions,
} from './kv.js'
export type { ClientOptions } from './options.js'
export { speaksPbft } from './pbft/detect.js'
export type { PbftTrust } from './pbft/engine.js'
export type { Trust } from './pbft/trust.js'
