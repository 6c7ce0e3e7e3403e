/** How a gRPC status looks over HTTP/1.1: as etcd's gateway of 3.6 maps it. */
import type { ServerResponse } from 'node:http'
import { Code, type RpcError } from '../status.js'

const HTTP_STATUS: Readonly<Record<Code, number>> = {
  [Code.OK]: 200,
  [Code.CANCELLED]: 499,
  [Code.UNKNOWN]: 500,
  [Code.INVALID_ARGUMENT]: 400,
  [Code.DEADLINE_EXCEEDED]: 504,
  [Code.NOT_FOUND]: 404,
  [Code.ALREADY_EXISTS]: 409,
  [Code.PERMISSION_DENIED]: 403,
  [Code.RESOURCE_EXHAUSTED]: 429,
  [Code.FAILED_PRECONDITION]: 400,
  [Code.ABORTED]: 409,
  [Code.OUT_OF_RANGE]: 400,
  [Code.UNIMPLEMENTED]: 501,
  [Code.INTERNAL]: 500,
  [Code.UNAVAILABLE]: 503,
  [Code.DATA_LOSS]: 500,
  [Code.UNAUTHENTICATED]: 401,
}

export function httpStatus(code: Code): number {
  return HTTP_STATUS[code]
}

const MESSAGE_CHARS_MAX = 2_048

export interface HttpError {
  readonly status: number
  readonly code: Code
  readonly message: string
}

export function toHttpError({ code, message }: RpcError): HttpError {
  return { status: httpStatus(code), code, message }
}

/** `error` says the same as `message`: older clients read the one, newer ones the other. */
export function sendError(response: ServerResponse, error: HttpError): void {
  // What was asked may be quoted in it, whole.
  const message = error.message.slice(0, MESSAGE_CHARS_MAX)
  const { status, code } = error
  sendJson(response, status, JSON.stringify({ error: message, message, code }))
}

export function sendJson(response: ServerResponse, status: number, body: string): void {
  response.statusCode = status
  response.setHeader('Content-Type', 'application/json')
  response.setHeader('Content-Length', Buffer.byteLength(body))
  response.end(body)
}
