/** The server side of the transport: sessions are grpc-js's, calls are served on their HTTP/2 streams. */
import type { RequestListener } from 'node:http'
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import {
  Server as GrpcServer,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
} from '@grpc/grpc-js'
import { assert } from '../base/assert.js'
import { type CallTally, CLIENT_VERSION } from './call-tally.js'
import { GrpcStreamContext, GrpcUnaryContext } from './grpc-context.js'
import { guardCalls, setHttp2Settings } from './grpc-doors.js'
import { GrpcStream } from './grpc-stream.js'
import type { ServerLimits } from './limits.js'
import { OpenCalls } from './open-calls.js'
import { SharedPort } from './port.js'
import { Code, RpcError } from './status.js'
import { StreamCall } from './stream-call.js'
import type { CallContext, Codec, Listening, Route, Server, StreamEnd, UnaryEnd } from './types.js'
import { UnaryCall } from './unary-call.js'

export interface ServerOptions {
  readonly routes: readonly Route[]
  readonly limits: ServerLimits
  /** Serves HTTP/1.1 on the same port; without it such connections are closed. */
  readonly http1?: RequestListener
  /** Counts the calls. */
  readonly tally?: CallTally
  /** A handler threw what is no RpcError: a bug of ours. The caller gets INTERNAL without its text. */
  readonly onError?: (error: unknown, path: string) => void
}

type UnaryRoute = Route & { readonly kind: 'unary' }
type StreamRoute = Route & { readonly kind: 'stream' }
type GrpcUnaryCall = ServerUnaryCall<Buffer, Buffer>
type BidiCall = ServerDuplexStream<Buffer, Buffer>

const asIs = (bytes: Buffer): Buffer => bytes

export function createServer(options: ServerOptions): Server {
  return new TransportServer(options)
}

class TransportServer implements Server {
  readonly #grpc: GrpcServer
  readonly #open: OpenCalls
  readonly #port: SharedPort
  readonly #onError: (error: unknown, path: string) => void
  readonly #limits: ServerLimits
  readonly #tally: CallTally | null

  constructor(options: ServerOptions) {
    const { limits } = options
    this.#limits = limits
    this.#tally = options.tally ?? null
    this.#onError = options.onError ?? (() => {})
    this.#grpc = new GrpcServer({
      'grpc.max_receive_message_length': limits.receiveBytesMax,
      'grpc.max_send_message_length': -1,
      'grpc.max_concurrent_streams': limits.streamsPerConnectionMax,
      'grpc-node.max_session_memory': limits.sessionMiBMax,
      'grpc.keepalive_time_ms': limits.keepaliveMs,
      'grpc.keepalive_timeout_ms': limits.keepaliveTimeoutMs,
      'grpc.enable_channelz': 0,
    })
    this.#open = new OpenCalls(limits)
    const routes = new Map(options.routes.map((route) => [route.method.path, route]))
    for (const route of options.routes) this.#register(route)
    setHttp2Settings(this.#grpc, limits)
    const injector = this.#grpc.createConnectionInjector(ServerCredentials.createInsecure())
    guardCalls(this.#grpc, limits, {
      paths: new Set(routes.keys()),
      isFull: () => this.#open.isFull,
      serve: (stream, headers) => {
        const route = routes.get(headers[':path'] ?? '')
        if (route !== undefined) this.#serve(route, stream, headers)
      },
    })
    this.#port = new SharedPort({
      limits,
      http1: options.http1 ?? null,
      onHttp2: (socket) => injector.injectConnection(socket),
    })
  }

  get address(): Listening | null {
    return this.#port.address
  }

  listen(host: string, port: number): Promise<Listening> {
    return this.#port.listen(host, port)
  }

  async close(graceMs: number): Promise<void> {
    this.#port.stopAccepting()
    const hard = setTimeout(() => this.#port.destroyAll(), graceMs)
    this.#grpc.tryShutdown(() => {})
    await this.#port.drained()
    clearTimeout(hard)
    this.#open.close()
  }

  #serve(route: Route, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const open = this.#open
    if (route.kind === 'unary') {
      const serve = (call: UnaryCall, request: Buffer) => this.#onUnary(route, call, request)
      new UnaryCall(stream, headers, { open, serve })
      return
    }
    const firstBytesMax = route.method.firstBytesMax ?? this.#limits.receiveBytesMax
    this.#onStream(route, new StreamCall(stream, headers, { open, firstBytesMax }))
  }

  #register(route: Route): void {
    const { path } = route.method
    const added =
      route.kind === 'unary'
        ? this.#grpc.register(
            path,
            (call: GrpcUnaryCall, done: sendUnaryData<Buffer>) =>
              this.#onUnary(route, new GrpcUnaryContext(call, done), call.request),
            asIs,
            asIs,
            'unary',
          )
        : this.#grpc.register(
            path,
            (call: BidiCall) => this.#onStream(route, new GrpcStreamContext(call)),
            asIs,
            asIs,
            'bidi',
          )
    assert(added, `two handlers for ${path}`)
  }

  #onUnary({ method, handler }: UnaryRoute, call: CallContext & UnaryEnd, bytes: Uint8Array): void {
    const { path } = method
    this.#tally?.started(path, call.metadata(CLIENT_VERSION))
    this.#tally?.received(path, bytes.length)
    const fail = (error: unknown): void => {
      const known = this.#known(error, path)
      this.#tally?.ended(path, known.code)
      call.fail(known)
    }
    const answer = (response: unknown): void => {
      try {
        const answered = method.response.encode(response)
        call.answer(answered)
        this.#tally?.sent(path, answered.length)
        this.#tally?.ended(path, Code.OK)
      } catch (error) {
        fail(error)
      }
    }
    let request: unknown
    try {
      request = method.request.decode(bytes)
    } catch {
      fail(new RpcError(Code.INVALID_ARGUMENT, 'request cannot be decoded'))
      return
    }
    try {
      const result = handler(request, call)
      if (result instanceof Promise) result.then(answer, fail)
      else answer(result)
    } catch (error) {
      fail(error)
    }
  }

  #onStream({ method, handler }: StreamRoute, call: CallContext & StreamEnd): void {
    const { path } = method
    this.#tally?.started(path, call.metadata(CLIENT_VERSION))
    const stream = new GrpcStream<unknown, unknown>(call, {
      incoming: this.#counting(method.request, path),
      outgoing: this.#counting(method.response, path),
      joins: method.joins,
      highWaterBytes: this.#limits.streamHighWaterBytes,
      queuedBytesMax: this.#limits.streamQueuedBytesMax,
      room: this.#open.unread,
      endsCall: true,
      known: (error) => this.#known(error, path),
      finish: () => {
        this.#tally?.ended(path, Code.OK)
        call.end()
      },
      abort: (error) => {
        this.#tally?.ended(path, error.code)
        call.abort(error)
      },
    })
    call.onProblem((error) => stream.fail(error))
    call.onOver((error) => {
      if (stream.over(error)) this.#tally?.ended(path, error.code)
    })
    try {
      handler(stream, call)
    } catch (error) {
      stream.fail(this.#known(error, path))
    }
  }

  #counting<T>(codec: Codec<T>, path: string): Codec<T> {
    const tally = this.#tally
    return tally === null ? codec : tally.counting(codec, path)
  }

  #known(error: unknown, path: string): RpcError {
    if (error instanceof RpcError) return error
    this.#onError(error, path)
    return new RpcError(Code.INTERNAL, 'internal error')
  }
}
