/**
 * A stream over HTTP/1.1: all requests are in the body, answers are lines of `{"result":...}`, and an error is the
 * last line, or the whole answer where it is the first.
 */
import type { ServerResponse } from 'node:http'
import type { Room } from '../room.js'
import { Code, RpcError } from '../status.js'
import type { Codec, ServerStream } from '../types.js'
import type { JsonCodec } from './json-codec.js'
import { httpStatus } from './status.js'

export interface HttpStreamOptions {
  readonly incoming: Codec<unknown>
  readonly outgoing: Codec<unknown>
  readonly json: JsonCodec
  readonly highWaterBytes: number
  /** Of what `write` queues in spite of that; beyond it the call fails. */
  readonly queuedBytesMax: number
  /** What all queues may take together. */
  readonly room: Room
  /** Once, with the code of the call. */
  readonly ended: (code: Code) => void
  /** What a handler threw, as the caller is told of it. */
  readonly known: (error: unknown) => RpcError
}

export class HttpStream implements ServerStream<unknown, unknown> {
  readonly #response: ServerResponse
  readonly #options: HttpStreamOptions
  /** Taken of the room. */
  #held = 0
  #full = false
  #ending = false
  #closed = false
  #onDrain: () => void = () => {}
  #onMessage: (message: unknown) => void = () => {}
  #onEnd: () => void = () => {}
  #onClose: (error: RpcError | null) => void = () => {}

  constructor(response: ServerResponse, options: HttpStreamOptions) {
    this.#response = response
    this.#options = options
    response.on('drain', () => {
      if (!this.#full || this.#ending) return
      this.#full = false
      this.#guarded(this.#onDrain)
    })
    response.once('close', () => {
      this.#left(this.#held)
      const whole = response.writableFinished
      this.#close(whole ? null : new RpcError(Code.CANCELLED, 'the caller is gone'))
    })
  }

  /** Hands out the requests, then their end, once the handler has set its callbacks. */
  feed(messages: readonly Uint8Array[]): void {
    process.nextTick(() => {
      for (const bytes of messages) {
        if (this.#ending || this.#closed) return
        let message: unknown
        try {
          message = this.#options.incoming.decode(bytes)
        } catch {
          this.fail(new RpcError(Code.INVALID_ARGUMENT, 'message cannot be decoded'))
          return
        }
        this.#guarded(() => this.#onMessage(message))
      }
      if (!this.#ending && !this.#closed) this.#guarded(this.#onEnd)
    })
  }

  get queuedBytes(): number {
    return this.#response.writableLength
  }

  write(message: unknown): boolean {
    if (this.#ending || this.#closed) return true
    const line = this.#lineOf(message)
    if (line === null) return true
    if (this.queuedBytes + line.length > this.#options.queuedBytesMax) {
      this.fail(new RpcError(Code.RESOURCE_EXHAUSTED, 'the reader is too slow'))
      return true
    }
    if (!this.#options.room.take(line.length)) {
      const text = 'too much waits for callers who do not read'
      this.fail(new RpcError(Code.RESOURCE_EXHAUSTED, text))
      return true
    }
    this.#held += line.length
    this.#begin(200)
    const taken = this.#response.write(line, () => this.#left(line.length))
    // Only what the socket did not take at once is told of when it drains.
    if (!taken && this.queuedBytes >= this.#options.highWaterBytes) this.#full = true
    return !this.#full
  }

  /** So much has left, or will never. */
  #left(length: number): void {
    const bytes = Math.min(length, this.#held)
    this.#held -= bytes
    this.#options.room.give(bytes)
  }

  /** Null: the stream has failed over it. */
  #lineOf(message: unknown): string | null {
    try {
      return `{"result":${this.#options.json.write(this.#options.outgoing.encode(message))}}\n`
    } catch (error) {
      this.fail(this.#options.known(error))
      return null
    }
  }

  onDrain(callback: () => void): void {
    this.#onDrain = callback
  }

  onMessage(callback: (message: unknown) => void): void {
    this.#onMessage = callback
  }

  onEnd(callback: () => void): void {
    this.#onEnd = callback
  }

  onClose(callback: (error: RpcError | null) => void): void {
    this.#onClose = callback
  }

  /** The requests are bounded and all here. */
  pause(): void {}

  resume(): void {}

  end(): void {
    if (this.#ending || this.#closed) return
    this.#ending = true
    this.#begin(200)
    this.#response.end()
  }

  fail(error: RpcError): void {
    if (this.#ending || this.#closed) return
    this.#ending = true
    const status = httpStatus(error.code)
    const told = { grpc_code: error.code, http_code: status, message: error.message }
    this.#begin(status)
    this.#response.end(`${JSON.stringify({ error: told })}\n`)
    process.nextTick(() => this.#close(error))
  }

  #begin(status: number): void {
    if (this.#response.headersSent) return
    this.#response.writeHead(status, { 'Content-Type': 'application/json' })
  }

  #close(error: RpcError | null): void {
    if (this.#closed) return
    this.#closed = true
    this.#options.ended(error?.code ?? Code.OK)
    this.#guarded(() => this.#onClose(error))
  }

  /** What the callback throws fails this stream, and nothing else. */
  #guarded(callback: () => void): void {
    try {
      callback()
    } catch (error) {
      this.fail(this.#options.known(error))
    }
  }
}
