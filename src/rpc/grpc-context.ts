/** Calls that the library carries, because their messages are compressed, as their handlers see them. */
import {
  Metadata,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
} from '@grpc/grpc-js'
import { addTo, firstOf, statusText } from './grpc-metadata.js'
import { Code, RpcError } from './status.js'
import type { CallContext, StreamEnd, UnaryEnd } from './types.js'

type ServerCall = ServerUnaryCall<Buffer, Uint8Array> | ServerDuplexStream<Buffer, Uint8Array>

/** Never written to. */
const NONE = new Metadata()

export class GrpcContext implements CallContext {
  readonly #call: ServerCall
  #trailers: Metadata | null = null
  /** grpc-js tells of a cancellation also after an ordinary end. */
  #ended = false

  constructor(call: ServerCall) {
    this.#call = call
  }

  get peer(): string {
    return this.#call.getPeer()
  }

  remainingMs(): number {
    const deadline = this.#call.getDeadline()
    const at = typeof deadline === 'number' ? deadline : deadline.getTime()
    return at === Number.POSITIVE_INFINITY ? at : Math.max(0, at - Date.now())
  }

  get cancelled(): boolean {
    return !this.#ended && this.#call.cancelled
  }

  onCancelled(callback: () => void): void {
    if (this.#ended) return
    if (this.#call.cancelled) {
      process.nextTick(callback)
      return
    }
    this.#call.once('cancelled', () => {
      if (!this.#ended) callback()
    })
  }

  metadata(key: string): string | undefined {
    return firstOf(this.#call.metadata, key)
  }

  setTrailer(key: string, value: string): void {
    this.#trailers ??= new Metadata()
    addTo(this.#trailers, key, value)
  }

  /** The call has its outcome; gives the trailers that go with it. */
  finish(own: Readonly<Record<string, string>> | null = null): Metadata {
    this.#ended = true
    if (own !== null) for (const [key, value] of Object.entries(own)) this.setTrailer(key, value)
    return this.#trailers ?? NONE
  }
}

export class GrpcUnaryContext extends GrpcContext implements UnaryEnd {
  readonly #done: sendUnaryData<Buffer>

  constructor(call: ServerUnaryCall<Buffer, Uint8Array>, done: sendUnaryData<Buffer>) {
    super(call)
    this.#done = done
  }

  answer(bytes: Uint8Array): void {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#done(null, buffer, this.finish())
  }

  fail(error: RpcError): void {
    const metadata = this.finish(error.trailers)
    this.#done({ code: error.code, details: statusText(error.message), metadata })
  }
}

export class GrpcStreamContext extends GrpcContext implements StreamEnd {
  readonly #duplex: ServerDuplexStream<Buffer, Buffer>

  constructor(call: ServerDuplexStream<Buffer, Buffer>) {
    super(call)
    this.#duplex = call
  }

  on(event: 'data', listener: (bytes: Buffer) => void): void {
    this.#duplex.on(event, listener)
  }

  once(event: 'end', listener: () => void): void {
    this.#duplex.once(event, listener)
  }

  write(bytes: Buffer, written: () => void): void {
    this.#duplex.write(bytes, written)
  }

  pause(): void {
    this.#duplex.pause()
  }

  resume(): void {
    this.#duplex.resume()
  }

  end(): void {
    this.#duplex.end(this.finish())
  }

  abort(error: RpcError): void {
    const metadata = this.finish(error.trailers)
    const details = statusText(error.message)
    this.#duplex.emit('error', { code: error.code, details, metadata })
  }

  /** The library fails the call by itself. */
  onProblem(): void {}

  onOver(callback: (error: RpcError) => void): void {
    this.#duplex.once('cancelled', () => {
      const late = this.remainingMs() === 0
      callback(
        late
          ? new RpcError(Code.DEADLINE_EXCEEDED, 'deadline exceeded')
          : new RpcError(Code.CANCELLED, 'the caller is gone'),
      )
    })
  }
}
