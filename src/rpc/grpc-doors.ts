/**
 * What grpc-js does not let its users set, kept in one place: it reaches for two private fields of its server
 * (a changed library fails here, at the start, not in silence). Responsible for
 * - the header list bound and the flow control windows, which grpc-js leaves at the defaults of HTTP/2;
 * - calls with a timeout that is malformed (grpc-js takes `x5S` for 5 s) or too long for a 32-bit timer (30 days
 *   would end at once);
 * - calls with metadata that gRPC does not allow: grpc-js drops it and prints key and value, a token perhaps;
 * - unknown methods: its answer quotes the path unescaped;
 * - messages whose flag is not one of gRPC's;
 * - calls of which the messages are not compressed: they are served without it, and but so many at once;
 * - those that are left for it: a few at once, since what they hold is not counted.
 */

import {
  constants,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { Server as GrpcServer } from '@grpc/grpc-js'
import { assert } from '../base/assert.js'
import { http2BoundsOf, type ServerLimits } from './limits.js'
import { guardFlags } from './message-flags.js'
import { isGone, refuseCall } from './refusal.js'
import { Code } from './status.js'
import { timeoutMsOf } from './timeout.js'

type StreamListener = (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  ...rest: unknown[]
) => void

const TIMEOUT_HEADER = 'grpc-timeout'
/** A timer holds 2^31 ms; a caller that waits longer gets this much. */
const TIMEOUT_LONGEST = '1728000S'
/** Calls that grpc-js carries, at once. */
const CARRIED_MAX = 64
const TOO_MANY = { code: Code.RESOURCE_EXHAUSTED, text: 'too many calls at once' }
const KEY = /^[0-9a-z_.-]+$/
const VALUE = /^[ -~]*$/

/** Before the connection injector is made. */
export function setHttp2Settings(server: GrpcServer, limits: ServerLimits): void {
  const options: unknown = Reflect.get(server, 'commonServerOptions')
  assert(isObject(options), 'grpc-js has changed: no HTTP/2 options')
  options.settings = http2BoundsOf(limits)
}

export interface Calls {
  /** Of all methods. */
  readonly paths: ReadonlySet<string>
  /** Further ones are refused. */
  readonly isFull: () => boolean
  /** Is given each call of them that is plain gRPC and not compressed. */
  readonly serve: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void
}

/** After the connection injector is made. */
export function guardCalls(server: GrpcServer, limits: ServerLimits, calls: Calls): void {
  const http2Servers: unknown = Reflect.get(server, 'http2Servers')
  assert(http2Servers instanceof Map, 'grpc-js has changed: no HTTP/2 servers')
  let carried = 0
  for (const http2 of http2Servers.keys() as Iterable<Http2Server>) {
    const inner = http2.listeners('stream') as StreamListener[]
    assert(inner.length === 1, 'grpc-js has changed: not one stream listener')
    http2.removeAllListeners('stream')
    http2.on('stream', (stream, headers, ...rest) => {
      // Opened and reset in one segment it is told of too late: to answer it would throw.
      if (isGone(stream)) {
        stream.on('error', () => {})
        return
      }
      const problem = problemOf(headers, calls.paths)
      if (problem !== null) {
        refuse(stream, problem)
        return
      }
      if (isPlain(headers)) {
        if (calls.isFull()) refuse(stream, TOO_MANY)
        else calls.serve(stream, headers)
        return
      }
      if (carried >= CARRIED_MAX) {
        refuse(stream, TOO_MANY)
        return
      }
      carried++
      stream.once('close', () => carried--)
      guardFlags(stream, headers, (text) => refuse(stream, { code: Code.INTERNAL, text }))
      inner[0]?.(stream, headers, ...rest)
    })
    http2.on('session', (session: ServerHttp2Session) => {
      // Not within the event: grpc-js has not set the session up yet.
      process.nextTick(() => {
        if (!session.destroyed) session.setLocalWindowSize(limits.windowBytes)
      })
    })
  }
}

/** Why the call is refused; null: it is not. A timeout that is merely too long is cut. */
function problemOf(
  headers: IncomingHttpHeaders,
  paths: ReadonlySet<string>,
): { code: Code; text: string } | null {
  for (const key of Object.keys(headers)) {
    if (key.charCodeAt(0) === 0x3a) continue
    const value = headers[key]
    const text = Array.isArray(value) ? value.join('') : (value ?? '')
    if (!KEY.test(key) || !VALUE.test(text))
      return { code: Code.INVALID_ARGUMENT, text: 'metadata with illegal characters' }
  }
  // A wrong content type is answered first, with 415.
  if (isGrpc(headers) && !paths.has(headers[':path'] ?? ''))
    return { code: Code.UNIMPLEMENTED, text: 'unknown method' }
  const timeout = headers[TIMEOUT_HEADER]
  if (timeout === undefined) return null
  const ms = typeof timeout === 'string' ? timeoutMsOf(timeout) : null
  if (ms === null) return { code: Code.INVALID_ARGUMENT, text: 'malformed grpc-timeout' }
  if (ms > 1_728_000_000) headers[TIMEOUT_HEADER] = TIMEOUT_LONGEST
  return null
}

function isGrpc(headers: IncomingHttpHeaders): boolean {
  return headers['content-type']?.startsWith('application/grpc') === true
}

function isPlain(headers: IncomingHttpHeaders): boolean {
  return isGrpc(headers) && (headers['grpc-encoding'] ?? 'identity') === 'identity'
}

function refuse(stream: ServerHttp2Stream, problem: { code: Code; text: string }): void {
  stream.on('error', () => {})
  // In the middle of a stream there is no second answer: the code of the reset stands for INTERNAL.
  if (stream.headersSent) stream.close(constants.NGHTTP2_INTERNAL_ERROR)
  else refuseCall(stream, problem)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
