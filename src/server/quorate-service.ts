/** quorate.v1.Quorate: commands, queries and status of one node. */

import type { NodeId } from '../consensus/ids.js'
import {
  Consistency,
  type QueryRequest,
  type QueryResponse,
  type SubmitCommandRequest,
  type SubmitCommandResponse,
  type TransferLeadershipRequest,
} from '../gen/quorate/v1/quorate.js'
import { quorate } from '../rpc/services.js'
import { Code, RpcError } from '../rpc/status.js'
import { type CallContext, type Route, streaming, unary } from '../rpc/types.js'
import { refusal, toRequest } from './commands.js'
import { invalid, toRpcError, unavailable } from './errors.js'
import type { Replica } from './replica.js'
import type { Hear } from './signed-door.js'
import { displaced, serveSubmitStream } from './submit-stream.js'

export function quorateRoutes(replica: Replica): Route[] {
  return [
    unary(quorate.submitCommand, (request, context) => submitCommand(replica, request, context)),
    streaming(quorate.submitCommands, (stream) => serveSubmitStream(stream, replica)),
    unary(quorate.query, (request, context) => query(replica, request, context)),
    unary(quorate.status, () => replica.status()),
    unary(quorate.transferLeadership, (request) => transferLeadership(replica, request)),
  ]
}

function requireServing(replica: Replica): void {
  const why = replica.unavailable()
  if (why !== null) throw unavailable(why)
}

function timeoutOf(replica: Replica, context: CallContext): number {
  return Math.min(context.remainingMs(), replica.commandTimeoutMs)
}

function submitCommand(
  replica: Replica,
  request: SubmitCommandRequest,
  context: CallContext,
): Promise<SubmitCommandResponse> {
  requireServing(replica)
  const { command } = request
  if (command === undefined) throw invalid('command is not provided')
  const asked = toRequest(command)
  const reason = refusal(command, asked, replica)
  if (reason !== null) throw invalid(reason)
  return new Promise((resolve, reject) => {
    const { signed } = replica
    const endpointOf = (name: NodeId) => replica.clientEndpointOf(name)
    const timeoutMs = timeoutOf(replica, context)
    if (signed == null) {
      replica.submit(asked, timeoutMs, (outcome) => {
        if (outcome.type === 'Answer') resolve({ answer: outcome.bytes })
        else reject(toRpcError(outcome, endpointOf))
      })
      return
    }
    const vouched: Hear = ({ answer, voucher }) => resolve({ answer, voucher: { ...voucher } })
    if (signed.stored(asked, vouched)) return
    const expected = signed.expect(asked, vouched)
    replica.submit(asked, timeoutMs, (outcome) => {
      if (expected.callOff()) reject(toRpcError(displaced(outcome), endpointOf))
    })
  })
}

function query(
  replica: Replica,
  request: QueryRequest,
  context: CallContext,
): QueryResponse | Promise<QueryResponse> {
  requireServing(replica)
  if (request.consistency === Consistency.STALE) return ask(replica, request)
  return new Promise((resolve, reject) => {
    replica.read(timeoutOf(replica, context), (outcome) => {
      if (outcome.type === 'Ready') resolve(ask(replica, request))
      else reject(readError(outcome, replica))
    })
  })
}

function ask(replica: Replica, request: QueryRequest): QueryResponse {
  return { answer: replica.query(request.query), appliedIndex: replica.appliedIndex() }
}

/** A read changes nothing: one that nobody confirmed in time failed, whole. */
function readError(outcome: Parameters<typeof toRpcError>[0], replica: Replica): RpcError {
  if (outcome.type === 'Indeterminate')
    return new RpcError(Code.DEADLINE_EXCEEDED, `not confirmed by a quorum: ${outcome.reason}`)
  return toRpcError(outcome, (name) => replica.clientEndpointOf(name))
}

function transferLeadership(
  replica: Replica,
  request: TransferLeadershipRequest,
): Record<string, never> {
  requireServing(replica)
  if (request.to === '') throw invalid('name the node that should lead')
  const refusal = replica.transferLeadership(request.to)
  if (refusal === null) return {}
  if (refusal.type === 'Refused') throw new RpcError(Code.FAILED_PRECONDITION, refusal.reason)
  throw toRpcError(refusal, (name) => replica.clientEndpointOf(name))
}
