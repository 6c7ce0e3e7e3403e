/** A unary call on its HTTP/2 stream: one message in, one out. Codes and texts are those of gRPC. */
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import { Http2Call } from './http2-call.js'
import { noRoom } from './message-reader.js'
import type { OpenCalls } from './open-calls.js'
import { Code, RpcError } from './status.js'

/** What has to be done for the call, once its request is there. */
export type Serve = (call: UnaryCall, request: Buffer) => void

export class UnaryCall extends Http2Call {
  readonly #serve: Serve
  #request: Buffer | null = null
  /** Of the request, while its caller has not said that it is all. */
  #received = 0
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
    this.send(bytes, true, () => this.#giveUnread(this.#unread))
  }

  fail(error: RpcError): void {
    this.finish()
    this.interrupt(error)
  }

  protected override interrupt(error: RpcError): void {
    if (this.settle()) this.sendStatus(error)
  }

  protected override read(): void {
    if (this.#request === null) this.#readRequest()
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
    this.#dropRequest()
    this.awaitsRest(false)
    this.#serve(this, request)
  }

  protected override stalled(): void {
    this.cut(constants.NGHTTP2_ENHANCE_YOUR_CALM)
  }

  protected override left(bytes: number): void {
    this.#giveUnread(bytes)
  }

  protected override closed(): void {
    this.#dropRequest()
    this.#giveUnread(this.#unread - this.writer.underWay)
  }

  #readRequest(): void {
    const message = this.reader.next()
    if (message === null) return
    if (message instanceof RpcError) this.fail(message)
    else if (this.open.receiving.take(message.length)) {
      this.#received = message.length
      this.#request = message
    } else this.fail(noRoom())
  }

  #dropRequest(): void {
    this.open.receiving.give(this.#received)
    this.#received = 0
    this.#request = null
  }

  #giveUnread(bytes: number): void {
    const given = Math.max(0, Math.min(bytes, this.#unread))
    this.#unread -= given
    this.open.unread.give(given)
  }
}
