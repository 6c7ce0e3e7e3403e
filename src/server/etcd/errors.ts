/** What etcd's clients are told when a request is not served: its own texts and codes, which they match. */
import { utf8Decode } from '../../base/utf8.js'
import type { ReadOutcome, SubmitOutcome } from '../../driver/outcomes.js'
import { Code, RpcError } from '../../rpc/status.js'

type Refused = Exclude<SubmitOutcome, { type: 'Answer' }> | Exclude<ReadOutcome, { type: 'Ready' }>

export function etcdError(outcome: Refused): RpcError {
  switch (outcome.type) {
    case 'NotLeader':
      return new RpcError(Code.UNAVAILABLE, 'etcdserver: no leader')
    case 'Overloaded':
      return outcome.reason.startsWith('no space')
        ? new RpcError(Code.RESOURCE_EXHAUSTED, 'etcdserver: mvcc: database space exceeded')
        : new RpcError(Code.RESOURCE_EXHAUSTED, 'etcdserver: too many requests')
    case 'Indeterminate':
      return new RpcError(Code.UNAVAILABLE, 'etcdserver: request timed out')
    case 'Unsupported':
      return new RpcError(Code.UNIMPLEMENTED, 'etcdserver: reads are ordered here')
  }
}

/** What the machine refused: a gRPC code, and the text. */
export function machineError(code: number, text: Uint8Array): RpcError {
  const known = Object.values(Code).find((one) => one === code)
  return new RpcError(known ?? Code.UNKNOWN, utf8Decode(text) ?? '')
}

/** Asked of a node that is not up yet, or not any more. */
export function notServing(): RpcError {
  return new RpcError(Code.UNAVAILABLE, 'etcdserver: server is likely overloaded')
}

export function notYet(method: string): RpcError {
  return new RpcError(Code.UNIMPLEMENTED, `quorate: ${method} is not supported yet`)
}
