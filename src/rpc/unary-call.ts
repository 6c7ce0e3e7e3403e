/** A unary call on its HTTP/2 stream: one message in, one out. Codes and texts are those of gRPC. */
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import { Http2Call } from './http2-call.js'
import type { OpenCalls } from './open-calls.js'
import { Code, RpcError } from './status.js'
import type { UnaryEnd } from './types.js'

/** What has to be done for the call, once its request is there. */
export type Serve = (call: UnaryCall, request: Buffer) => void

export class UnaryCall extends Http2Call implements UnaryEnd {
  readonly #serve: Serve
  #request: Buffer | null = null
  /** Of the answer, until it has left. */
  #unread = 0

  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    options: { readonly open: OpenCalls; readonly serve: Serve },
  ) {
    super(stream, headers, options.open)
    this.#serve = options.serve
  }

  answer(bytes: Uint8Array): void {
    this.finish()
    if (!this.settle()) return
    if (!this.open.unread.take(bytes.length)) {
      const text = 'etcdserver: too many requests'
      this.sendStatus(new RpcError(Code.RESOURCE_EXHAUSTED, text))
      return
    }
    this.#unread = bytes.length
    this.send(bytes, true, null)
  }

  fail(error: RpcError): void {
    this.finish()
    this.interrupt(error)
  }

  protected override interrupt(error: RpcError): void {
    if (this.settle()) this.sendStatus(error)
  }

  protected override read(): void {
    if (this.#request === null) {
      const message = this.reader.next()
      if (message instanceof RpcError) this.fail(message)
      else this.#request = message
    }
    if (this.#request === null || this.reader.isEmpty) return
    const text = 'more than one message for a unary method'
    this.fail(new RpcError(Code.UNIMPLEMENTED, text))
  }

  protected override readAll(): void {
    const request = this.#request
    if (request === null) {
      this.fail(new RpcError(Code.UNIMPLEMENTED, 'no whole message for a unary method'))
      return
    }
    this.#request = null
    this.awaitsRest(false)
    this.#serve(this, request)
  }

  protected override stalled(): void {
    this.cut(constants.NGHTTP2_ENHANCE_YOUR_CALM)
  }

  protected override closed(): void {
    this.open.unread.give(this.#unread)
    this.#unread = 0
    this.#request = null
  }
}
