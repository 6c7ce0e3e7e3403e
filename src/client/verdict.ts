/**
 * What one attempt came to. The rule: only what says that it was never executed counts so; whatever else went
 * wrong on the way is of unknown outcome, since the answer may be what was lost.
 */
import type { NodeId } from '../consensus/ids.js'
import type { Result } from '../gen/quorate/v1/quorate.js'
import { Code, codeName, type RpcError } from '../rpc/status.js'
import { formatEndpoint, parseEndpoint } from './endpoints.js'
import { ClientError } from './errors.js'

export type Verdict =
  | { readonly type: 'Answer'; readonly bytes: Uint8Array }
  | { readonly type: 'NotLeader'; readonly leader: NodeId | null }
  | { readonly type: 'Overloaded'; readonly reason: string }
  | { readonly type: 'Indeterminate'; readonly reason: string; readonly code: Code | null }
  /** The transport never sent it. */
  | { readonly type: 'Unreachable'; readonly reason: string }
  /** Not executed, and no node would: the caller is told at once. */
  | { readonly type: 'Rejected'; readonly error: ClientError }

export function verdictOfError(error: RpcError): Verdict {
  switch (error.code) {
    case Code.FAILED_PRECONDITION:
      if (isNotLeader(error)) return { type: 'NotLeader', leader: hintOf(error) }
      return rejected('InvalidRequest', error)
    case Code.RESOURCE_EXHAUSTED:
      // A message over the limit stays over it: trying again is of no use.
      if (/too large|larger than/.test(error.message)) return rejected('InvalidRequest', error)
      return { type: 'Overloaded', reason: error.message }
    case Code.OUT_OF_RANGE:
      if (error.message.endsWith('required revision has been compacted'))
        return { type: 'Rejected', error: new ClientError('Compacted', error.message, error.code) }
      return rejected('InvalidRequest', error)
    case Code.INVALID_ARGUMENT:
    case Code.NOT_FOUND:
    case Code.ALREADY_EXISTS:
      return rejected('InvalidRequest', error)
    case Code.UNIMPLEMENTED:
      // Something else than a node of ours listens there.
      if (/^Received HTTP status code/.test(error.message))
        return { type: 'Unreachable', reason: `no gRPC there (${error.message})` }
      return rejected('NotPermitted', error)
    case Code.PERMISSION_DENIED:
    case Code.UNAUTHENTICATED:
      return rejected('NotPermitted', error)
    case Code.UNAVAILABLE:
      if (neverSent(error)) return { type: 'Unreachable', reason: whyUnreachable(error) }
      return { type: 'Indeterminate', reason: error.message, code: error.code }
    default: {
      if (neverSent(error)) return { type: 'Unreachable', reason: whyUnreachable(error) }
      const reason = `${codeName(error.code)}: ${error.message}`
      return { type: 'Indeterminate', reason, code: error.code }
    }
  }
}

export function verdictOfResult(outcome: Result['outcome']): Verdict {
  switch (outcome?.$case) {
    case 'answer':
      return { type: 'Answer', bytes: outcome.value }
    case 'notLeader':
      return { type: 'NotLeader', leader: normalized(outcome.value.leaderEndpoint) }
    case 'overloaded':
      return { type: 'Overloaded', reason: outcome.value.reason }
    case 'indeterminate':
      return { type: 'Indeterminate', reason: outcome.value.reason, code: null }
    case 'invalid':
      return {
        type: 'Rejected',
        error: new ClientError('InvalidRequest', outcome.value.reason, Code.INVALID_ARGUMENT),
      }
    default:
      return { type: 'Indeterminate', reason: 'a result without an outcome', code: null }
  }
}

export function isNotLeader(error: RpcError): boolean {
  return error.code === Code.FAILED_PRECONDITION && error.message.includes('not leader')
}

/** The leader's endpoint as the node named it; null when it named none that can be dialled. */
export function hintOf(error: RpcError): NodeId | null {
  return normalized(error.trailers['quorate-leader-endpoint'] ?? '')
}

function normalized(text: string): NodeId | null {
  const endpoint = parseEndpoint(text)
  return endpoint === null ? null : formatEndpoint(endpoint)
}

function rejected(kind: 'InvalidRequest' | 'NotPermitted', error: RpcError): Verdict {
  return { type: 'Rejected', error: new ClientError(kind, error.message, error.code) }
}

/** Whether the call failed before there was a connection to send it on. */
export function neverSent(error: RpcError): boolean {
  if (error.code === Code.DEADLINE_EXCEEDED) return error.message.includes(NO_CONNECTION_YET)
  return (
    error.code === Code.UNAVAILABLE &&
    /No connection established|ECONNREFUSED|ENOTFOUND|EAI_AGAIN|Name resolution failed/.test(
      error.message,
    )
  )
}

/** How the transport's text says that a call still waited for a connection when its time was up. */
const NO_CONNECTION_YET = 'Waiting for LB pick'

/** The transport's text, down to what a person needs. */
export function whyUnreachable(error: RpcError): string {
  if (error.message.includes('ECONNREFUSED')) return 'connection refused'
  if (error.message.includes(NO_CONNECTION_YET)) return 'no connection in time'
  if (/ENOTFOUND|EAI_AGAIN|Name resolution/.test(error.message)) return 'no such host'
  const last = /Last error: (?:Error: )?(.*?)(?:\. Resolution note:.*)?$/s.exec(error.message)
  return last?.[1] ?? error.message
}
