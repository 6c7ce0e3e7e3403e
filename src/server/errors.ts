/** The one table from outcomes to gRPC: each code says what the caller may do. */
import type { NodeId } from '../consensus/ids.js'
import type { ReadOutcome, SubmitOutcome } from '../driver/outcomes.js'
import { Code, RpcError } from '../rpc/status.js'

type Refused = Exclude<SubmitOutcome, { type: 'Answer' }> | Exclude<ReadOutcome, { type: 'Ready' }>

export function toRpcError(outcome: Refused, endpointOf: (name: NodeId) => string): RpcError {
  switch (outcome.type) {
    // Never executed: go there.
    case 'NotLeader':
      return notLeader(outcome.leader, endpointOf)
    // Never executed: back off.
    case 'Overloaded':
      return new RpcError(Code.RESOURCE_EXHAUSTED, `overloaded: ${outcome.reason}`)
    // It may have been executed: retry only under the same session and seq.
    case 'Indeterminate':
      return new RpcError(Code.UNKNOWN, `outcome unknown: ${outcome.reason}`)
    case 'Unsupported':
      return new RpcError(Code.UNIMPLEMENTED, 'this protocol orders its reads: submit a command')
  }
}

function notLeader(leader: NodeId | null, endpointOf: (name: NodeId) => string): RpcError {
  if (leader === null) return new RpcError(Code.FAILED_PRECONDITION, 'not leader')
  return new RpcError(Code.FAILED_PRECONDITION, 'not leader', {
    'quorate-leader-name': leader,
    'quorate-leader-endpoint': endpointOf(leader),
  })
}

export function invalid(message: string): RpcError {
  return new RpcError(Code.INVALID_ARGUMENT, message)
}

export function unavailable(why: string): RpcError {
  return new RpcError(Code.UNAVAILABLE, why)
}
