/**
 * etcd's JSON gateway: the same handlers as over gRPC, asked by POST with JSON. A body is turned into the message's
 * bytes and handed to the method's own codec, so that a handler cannot tell the two ways apart.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { type CallTally, CLIENT_VERSION } from '../call-tally.js'
import { Room } from '../room.js'
import { Code, RpcError } from '../status.js'
import type { Codec, Route } from '../types.js'
import { etcdBindings } from './bindings.js'
import { readBody } from './body.js'
import { HttpContext, onHalfClosed, readTimeoutMs } from './context.js'
import type { JsonCodec } from './json-codec.js'
import { JsonProblem } from './json-text.js'
import { sendError, sendJson, toHttpError } from './status.js'
import { HttpStream } from './stream.js'

export interface GatewayOptions {
  readonly routes: readonly Route[]
  /** Of a message; its JSON may be a third longer, and some. */
  readonly receiveBytesMax: number
  readonly streamHighWaterBytes: number
  readonly streamQueuedBytesMax: number
  readonly onError: (error: unknown, path: string) => void
  /** Of all bodies that are being read at once. Default 256 MiB. */
  readonly bodiesBytesMax?: number
  /** Of all answers that have not left for their callers. Default 256 MiB. */
  readonly unreadJsonBytesMax?: number
  /** Counts the calls, as those over gRPC. */
  readonly tally?: CallTally
}

/** What all calls take from together. */
interface Rooms {
  readonly bodies: Room
  readonly unread: Room
}

interface Page {
  readonly route: Route
  readonly json: JsonCodec
}

/** Names, quotes and numbers around the base64 of a message's bytes. */
const JSON_OVERHEAD_BYTES = 64 * 1024

/** Requests of a stream in one body. */
const STREAM_MESSAGES_MAX = 1_024
/** Of all bodies that are being read, so that slow callers cannot fill the memory. */
const BODIES_BYTES_MAX = 256 * 1024 * 1024
/** Of all answers that are not read; as text they lie in the heap. */
const UNREAD_JSON_BYTES_MAX = 256 * 1024 * 1024

/** Null for a path that is none of the gateway's. */
export type Gateway = (path: string) => RequestListener | null

export function createGateway(options: GatewayOptions): Gateway {
  const pages = new Map<string, Page>()
  const routes = new Map(options.routes.map((route) => [route.method.path, route]))
  for (const { method, paths, codec } of etcdBindings()) {
    const route = routes.get(method)
    if (route === undefined) continue
    for (const path of paths) pages.set(path, { route, json: codec })
  }
  const rooms = {
    bodies: new Room(options.bodiesBytesMax ?? BODIES_BYTES_MAX),
    unread: new Room(options.unreadJsonBytesMax ?? UNREAD_JSON_BYTES_MAX),
  }
  return (path) => {
    const page = pages.get(path)
    if (page === undefined) return null
    return (request, response) => {
      serve(page, { ...options, ...rooms }, request, response).catch(() => response.destroy())
    }
  }
}

/** Rejects when the caller broke off in the middle of his request. */
async function serve(
  { route, json }: Page,
  options: GatewayOptions & Rooms,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { bodies } = options
  if (request.method !== 'POST') {
    response.setHeader('Allow', 'POST')
    const message = `expected POST with JSON, got ${request.method}`
    sendError(response, { status: 405, code: Code.UNIMPLEMENTED, message })
    return
  }
  const bytesMax = Math.ceil((options.receiveBytesMax * 4) / 3) + JSON_OVERHEAD_BYTES
  const body = await readBody(request, bytesMax, bodies)
  if (body === 'no room') {
    response.setHeader('Connection', 'close')
    const message = 'etcdserver: too many requests'
    sendError(response, { status: 429, code: Code.RESOURCE_EXHAUSTED, message })
    return
  }
  if (body === 'too large') {
    response.setHeader('Connection', 'close')
    const message = `etcdserver: request is too large: the body has more than ${bytesMax} bytes`
    sendError(response, { status: 413, code: Code.RESOURCE_EXHAUSTED, message })
    return
  }
  let messages: Uint8Array[]
  try {
    messages = json.read(body, route.kind === 'unary' ? 1 : STREAM_MESSAGES_MAX)
  } catch (error) {
    const { message } = error instanceof JsonProblem ? error : known(error, route, options)
    sendError(response, { status: 400, code: Code.INVALID_ARGUMENT, message })
    return
  }
  const timeout = request.headers['grpc-timeout']
  const timeoutMs = readTimeoutMs(timeout)
  if (timeoutMs === null) {
    const message = `invalid grpc-timeout: ${timeout}`
    sendError(response, { status: 400, code: Code.INVALID_ARGUMENT, message })
    return
  }
  const context = new HttpContext(request, response, timeoutMs)
  const { path } = route.method
  const { tally } = options
  tally?.started(path, context.metadata(CLIENT_VERSION))
  if (route.kind === 'unary') {
    const [bytes = new Uint8Array(0)] = messages
    await answer({ route, json }, options, { bytes, context, response })
    return
  }
  const stream = new HttpStream(response, {
    incoming: counting(route.method.request, path, tally),
    outgoing: counting(route.method.response, path, tally),
    json,
    highWaterBytes: options.streamHighWaterBytes,
    queuedBytesMax: options.streamQueuedBytesMax,
    room: options.unread,
    ended: (code) => tally?.ended(path, code),
    known: (error) => known(error, route, options),
  })
  // As etcd has it: a stream whose caller has closed his side is over.
  onHalfClosed(request, response, () =>
    stream.fail(new RpcError(Code.CANCELLED, 'context canceled')),
  )
  context.onDeadline(() => stream.fail(late()))
  try {
    route.handler(stream, context)
    stream.feed(messages)
  } catch (error) {
    stream.fail(known(error, route, options))
  }
}

interface Call {
  readonly bytes: Uint8Array
  readonly context: HttpContext
  readonly response: ServerResponse
}

/** Once: with what the handler has to say, or that the caller's time is up. */
async function answer(
  { route, json }: Page & { readonly route: { readonly kind: 'unary' } },
  options: GatewayOptions & Rooms,
  { bytes, context, response }: Call,
): Promise<void> {
  const { path } = route.method
  const { tally } = options
  let answered = false
  const fail = (error: RpcError): void => {
    if (answered) return
    answered = true
    tally?.ended(path, error.code)
    sendError(response, toHttpError(error))
  }
  context.onDeadline(() => fail(late()))
  try {
    tally?.received(path, bytes.length)
    const encoded = route.method.response.encode(await route.handler(decode(route, bytes), context))
    if (answered) return
    if (response.closed) {
      // He has gone: there is no end of an answer to be waited for.
      answered = true
      tally?.ended(path, Code.CANCELLED)
      return
    }
    tally?.sent(path, encoded.length)
    const text = json.write(encoded)
    const { unread } = options
    if (!unread.take(text.length))
      throw new RpcError(Code.RESOURCE_EXHAUSTED, 'etcdserver: too many requests')
    response.once('close', () => unread.give(text.length))
    answered = true
    tally?.ended(path, Code.OK)
    sendJson(response, 200, text)
  } catch (thrown) {
    const error = known(thrown, route, options)
    fail(context.remainingMs() > 0 ? error : late())
  }
}

function late(): RpcError {
  return new RpcError(Code.DEADLINE_EXCEEDED, 'context deadline exceeded')
}

function counting<T>(codec: Codec<T>, path: string, tally: CallTally | undefined): Codec<T> {
  return tally === undefined ? codec : tally.counting(codec, path)
}

function decode(route: Route, bytes: Uint8Array): unknown {
  try {
    return route.method.request.decode(bytes)
  } catch {
    throw new RpcError(Code.INVALID_ARGUMENT, 'request cannot be decoded')
  }
}

function known(error: unknown, route: Route, options: GatewayOptions): RpcError {
  if (error instanceof RpcError) return error
  options.onError(error, route.method.path)
  return new RpcError(Code.INTERNAL, 'internal error')
}
