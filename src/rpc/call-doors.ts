/** Calls that are refused before anybody is asked: what is no gRPC, or none that this server has. */
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import { ALONE, closeBehind, isGone, refuseCall } from './refusal.js'
import { Code } from './status.js'
import { timeoutMsOf } from './timeout.js'

const TIMEOUT_HEADER = 'grpc-timeout'
/** A timer holds 2^31 ms; a caller that waits longer gets this much. */
const TIMEOUT_LONGEST = '1728000S'
const KEY = /^[0-9a-z_.-]+$/
const VALUE = /^[ -~]*$/

export interface Doors {
  /** Of all methods. */
  readonly paths: { has(path: string): boolean }
  /** Further calls are refused. */
  isFull(): boolean
}

/** True: the call was refused, or is gone already. A timeout that is merely too long is cut. */
export function isRefused(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  doors: Doors,
): boolean {
  // Opened and reset in one segment it is told of too late: to answer it would throw.
  if (isGone(stream)) {
    stream.on('error', () => {})
    return true
  }
  const status = httpStatusOf(headers)
  if (status !== null) {
    answerHttp(stream, status)
    return true
  }
  const problem = problemOf(headers, doors)
  if (problem === null) return false
  stream.on('error', () => {})
  refuseCall(stream, problem)
  return true
}

/** Of what is no call of gRPC; null: it is one. */
function httpStatusOf(headers: IncomingHttpHeaders): number | null {
  if (headers[':method'] !== 'POST') return constants.HTTP_STATUS_METHOD_NOT_ALLOWED
  if (headers['content-type']?.startsWith('application/grpc') === true) return null
  return constants.HTTP_STATUS_UNSUPPORTED_MEDIA_TYPE
}

function answerHttp(stream: ServerHttp2Stream, status: number): void {
  stream.on('error', () => {})
  stream.respond({ ':status': status }, ALONE)
  closeBehind(stream)
}

function problemOf(
  headers: IncomingHttpHeaders,
  doors: Doors,
): { code: Code; text: string } | null {
  for (const key of Object.keys(headers)) {
    if (key.charCodeAt(0) === 0x3a) continue
    const value = headers[key]
    const text = Array.isArray(value) ? value.join('') : (value ?? '')
    if (!KEY.test(key) || !VALUE.test(text))
      return { code: Code.INVALID_ARGUMENT, text: 'metadata with illegal characters' }
  }
  if (!doors.paths.has(headers[':path'] ?? ''))
    return { code: Code.UNIMPLEMENTED, text: 'unknown method' }
  const encoding = headers['grpc-encoding'] ?? 'identity'
  if (encoding !== 'identity') {
    const named = JSON.stringify(String(encoding).slice(0, 64))
    const text = `grpc: Decompressor is not installed for grpc-encoding ${named}`
    return { code: Code.UNIMPLEMENTED, text }
  }
  const timeout = headers[TIMEOUT_HEADER]
  if (timeout !== undefined) {
    const ms = typeof timeout === 'string' ? timeoutMsOf(timeout) : null
    if (ms === null) return { code: Code.INVALID_ARGUMENT, text: 'malformed grpc-timeout' }
    if (ms > 1_728_000_000) headers[TIMEOUT_HEADER] = TIMEOUT_LONGEST
  }
  return doors.isFull() ? { code: Code.RESOURCE_EXHAUSTED, text: 'too many calls at once' } : null
}
