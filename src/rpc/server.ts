/** The server side of the transport: calls of gRPC on Node's HTTP/2. */
import type { RequestListener } from 'node:http'
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { assert } from '../base/assert.js'
import { isRefused } from './call-doors.js'
import { type CallTally, CLIENT_VERSION } from './call-tally.js'
import { GrpcStream } from './grpc-stream.js'
import type { ServerLimits } from './limits.js'
import { OpenCalls } from './open-calls.js'
import { SharedPort } from './port.js'
import { Sessions } from './sessions.js'
import { Code, RpcError } from './status.js'
import { StreamCall } from './stream-call.js'
import type { Codec, Listening, Route, Server } from './types.js'
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

export function createServer(options: ServerOptions): Server {
  return new TransportServer(options)
}

class TransportServer implements Server {
  readonly #routes = new Map<string, Route>()
  readonly #sessions: Sessions
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
    for (const route of options.routes) {
      const { path } = route.method
      assert(!this.#routes.has(path), `two handlers for ${path}`)
      this.#routes.set(path, route)
    }
    this.#open = new OpenCalls(limits, (session) => this.#sessions.cutOff(session))
    this.#sessions = new Sessions(limits, this.#open, (stream, headers) =>
      this.#onCall(stream, headers),
    )
    this.#port = new SharedPort({
      limits,
      http1: options.http1 ?? null,
      onHttp2: (socket) => this.#sessions.open(socket),
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
    this.#sessions.close()
    await this.#port.drained()
    clearTimeout(hard)
    this.#open.close()
  }

  #onCall(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const open = this.#open
    if (isRefused(stream, headers, { paths: this.#routes, isFull: () => open.isFull })) return
    const route = this.#routes.get(headers[':path'] ?? '')
    assert(route !== undefined, 'a call of no method came in')
    if (route.kind === 'unary') {
      const serve = (call: UnaryCall, request: Buffer) => this.#onUnary(route, call, request)
      new UnaryCall(stream, headers, { open, serve })
      return
    }
    const firstBytesMax = route.method.firstBytesMax ?? this.#limits.receiveBytesMax
    this.#onStream(route, new StreamCall(stream, headers, { open, firstBytesMax }))
  }

  #onUnary({ method, handler }: UnaryRoute, call: UnaryCall, bytes: Uint8Array): void {
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

  #onStream({ method, handler }: StreamRoute, call: StreamCall): void {
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
