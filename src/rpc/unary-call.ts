/**
 * A unary call on its HTTP/2 stream. Nearly all requests are such calls, and grpc-js's own call around the stream costs
 * more than what is done for the request (decision 12). Codes and texts are those of gRPC; streams, and calls whose
 * messages are compressed, stay with the library.
 */
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { headerText } from './grpc-metadata.js'
import { HEADERS, isGone, refuseCall } from './refusal.js'
import { Code, RpcError } from './status.js'
import { timeoutMsOf } from './timeout.js'
import type { CallContext, UnaryEnd } from './types.js'

const HEAD_BYTES = 5
const OK_TRAILERS = { 'grpc-status': 0 }
const WITH_TRAILERS = { waitForTrailers: true, sendDate: false }

/** What has to be done for the call, once its request is there. */
export type Serve = (call: UnaryCall, request: Buffer) => void

export class UnaryCall implements CallContext, UnaryEnd {
  readonly #stream: ServerHttp2Stream
  readonly #headers: IncomingHttpHeaders
  readonly #bytesMax: number
  readonly #serve: Serve
  /** Ms since 1970. */
  readonly #deadline: number
  readonly #timer: NodeJS.Timeout | null
  /** What has come of the message, its head included; grows, so that many small pieces cost no more than one. */
  #bytes: Buffer | null = null
  #length = 0
  #trailers: Record<string, string> | null = null
  #callbacks: (() => void)[] | null = null
  #cancelled = false
  /** The handler has said how it ended. */
  #finished = false
  /** Nothing more is sent. */
  #over = false

  /** `headers`: looked through before, a timeout among them is well formed. */
  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    options: { readonly bytesMax: number; readonly serve: Serve },
  ) {
    this.#stream = stream
    this.#headers = headers
    this.#bytesMax = options.bytesMax
    this.#serve = options.serve
    const timeout = headers['grpc-timeout']
    const asked = timeout === undefined ? null : timeoutMsOf(String(timeout))
    const timeoutMs = asked === null ? null : Math.floor(asked)
    this.#deadline = timeoutMs === null ? Number.POSITIVE_INFINITY : Date.now() + timeoutMs
    this.#timer = timeoutMs === null ? null : setTimeout(() => this.#late(), timeoutMs)
    // Each error is followed by the end of the stream.
    stream.on('error', () => {})
    stream.on('close', () => this.#gone())
    stream.on('data', (bytes: Buffer) => this.#take(bytes))
    stream.on('end', () => this.#received())
  }

  get peer(): string {
    const socket = this.#stream.session?.socket
    return socket?.remoteAddress === undefined
      ? 'unknown'
      : `${socket.remoteAddress}:${socket.remotePort}`
  }

  remainingMs(): number {
    return this.#deadline === Number.POSITIVE_INFINITY
      ? this.#deadline
      : Math.max(0, this.#deadline - Date.now())
  }

  get cancelled(): boolean {
    return !this.#finished && this.#cancelled
  }

  onCancelled(callback: () => void): void {
    if (this.#finished) return
    if (this.#cancelled) process.nextTick(callback)
    else {
      this.#callbacks ??= []
      this.#callbacks.push(callback)
    }
  }

  metadata(key: string): string | undefined {
    const value = this.#headers[key]
    const text = Array.isArray(value) ? value[0] : value
    if (text === undefined || !key.endsWith('-bin')) return text
    const [first = ''] = text.split(',', 1)
    return Buffer.from(first, 'base64').toString('base64')
  }

  setTrailer(key: string, value: string): void {
    this.#trailers ??= {}
    this.#trailers[key] = headerText(key, value)
  }

  answer(bytes: Uint8Array): void {
    this.#finished = true
    if (!this.#close()) return
    const frame = Buffer.allocUnsafe(HEAD_BYTES + bytes.length)
    frame[0] = 0
    frame.writeUInt32BE(bytes.length, 1)
    frame.set(bytes, HEAD_BYTES)
    const stream = this.#stream
    const trailers = this.#trailers === null ? OK_TRAILERS : { ...this.#trailers, ...OK_TRAILERS }
    stream.respond(HEADERS, WITH_TRAILERS)
    stream.once('wantTrailers', () => stream.sendTrailers(trailers))
    stream.end(frame)
  }

  fail(error: RpcError): void {
    this.#finished = true
    for (const [key, value] of Object.entries(error.trailers)) this.setTrailer(key, value)
    this.#refuse(error.code, error.message)
  }

  #refuse(code: Code, text: string): void {
    if (this.#close()) refuseCall(this.#stream, { code, text, trailers: this.#trailers ?? {} })
  }

  /** False: it was closed before, or the caller is gone. */
  #close(): boolean {
    if (this.#over) return false
    this.#over = true
    this.#bytes = null
    if (this.#timer !== null) clearTimeout(this.#timer)
    return !isGone(this.#stream)
  }

  #take(bytes: Buffer): void {
    if (this.#over) return
    this.#keep(bytes)
    const held = this.#bytes
    if (held === null) return
    const problem = this.#problemOf(held)
    if (problem !== null) this.fail(problem)
  }

  #keep(bytes: Buffer): void {
    const needed = this.#length + bytes.length
    const held = this.#bytes
    if (held === null || needed > held.length) {
      // A copy of its own: the stream's buffers are larger than what came in them.
      const grown = Buffer.allocUnsafe(held === null ? needed : this.#grown(held, needed))
      if (held !== null) held.copy(grown, 0, 0, this.#length)
      this.#bytes = grown
    }
    this.#bytes?.set(bytes, this.#length)
    this.#length = needed
  }

  /** Twice as much, but no more than the message: what is decoded may keep views of it. */
  #grown(held: Buffer, needed: number): number {
    const twice = 2 * held.length
    if (this.#length < HEAD_BYTES) return Math.max(needed, twice)
    return Math.max(needed, Math.min(twice, HEAD_BYTES + held.readUInt32BE(1)))
  }

  #problemOf(held: Buffer): RpcError | null {
    if (this.#length === 0) return null
    const flag = held[0] as number
    if (flag === 1)
      return new RpcError(
        Code.INTERNAL,
        'grpc: compressed flag set with identity or empty encoding',
      )
    if (flag !== 0)
      return new RpcError(Code.INTERNAL, `grpc: received unexpected payload format ${flag}`)
    if (this.#length < HEAD_BYTES) return null
    const size = held.readUInt32BE(1)
    if (size > this.#bytesMax)
      return new RpcError(
        Code.RESOURCE_EXHAUSTED,
        `grpc: received message larger than max (${size} vs. ${this.#bytesMax})`,
      )
    if (this.#length > HEAD_BYTES + size)
      return new RpcError(Code.UNIMPLEMENTED, 'more than one message for a unary method')
    return null
  }

  /** The caller has sent all. */
  #received(): void {
    if (this.#over) return
    const held = this.#bytes
    if (
      held === null ||
      this.#length < HEAD_BYTES ||
      this.#length - HEAD_BYTES < held.readUInt32BE(1)
    ) {
      this.fail(new RpcError(Code.UNIMPLEMENTED, 'no whole message for a unary method'))
      return
    }
    const request = held.subarray(HEAD_BYTES, this.#length)
    this.#bytes = null
    this.#serve(this, request)
  }

  #late(): void {
    this.#refuse(Code.DEADLINE_EXCEEDED, 'Deadline exceeded')
    this.#cancel()
  }

  #gone(): void {
    this.#close()
    this.#cancel()
  }

  #cancel(): void {
    this.#cancelled = true
    const callbacks = this.#callbacks
    this.#callbacks = null
    if (this.#finished || callbacks === null) return
    for (const callback of callbacks) callback()
  }
}
