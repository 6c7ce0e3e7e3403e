/**
 * etcd's API where the front door is shut: a PBFT node without a client's key of its own can ask nothing for anybody, and
 * says so to each method, instead of that there is no such method.
 */
import {
  etcdAuth,
  etcdCluster,
  etcdElection,
  etcdKv,
  etcdLease,
  etcdLock,
  etcdMaintenance,
  etcdWatch,
} from '../../rpc/etcd-services.js'
import { Code, RpcError } from '../../rpc/status.js'
import {
  type Route,
  type StreamMethod,
  streaming,
  type UnaryMethod,
  unary,
} from '../../rpc/types.js'

const WHY =
  "etcdserver: this node serves no etcd API: over PBFT it needs a client's key of its own " +
  '(--front-door-key-file), and its clients trust it; or ask the replicas with the quorate client'

const SERVICES = [
  etcdKv,
  etcdWatch,
  etcdLease,
  etcdLock,
  etcdElection,
  etcdCluster,
  etcdAuth,
  etcdMaintenance,
]

export function shutEtcdRoutes(): Route[] {
  return SERVICES.flatMap((service) => Object.values(service).map(shutRoute(WHY)))
}

type Method = UnaryMethod<unknown, unknown> | StreamMethod<unknown, unknown>

/** Of a method that is not served here, and whose callers are told why. */
export function shutRoute(why: string): (method: Method) => Route {
  const refusal = () => new RpcError(Code.UNIMPLEMENTED, why)
  return (method) => {
    if (method.kind === 'stream') return streaming(method, (stream) => stream.fail(refusal()))
    return unary(method, () => {
      throw refusal()
    })
  }
}
