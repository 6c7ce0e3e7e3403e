/**
 * Both sides of an open stream. Below, one message is sent at a time and the socket waited for, so messages queue here;
 * where a method allows it, all that has queued up travels as one message.
 */
import { concat } from '../base/bytes.js'
import type { Room } from './room.js'
import { Code, RpcError } from './status.js'
import type { ClientStream, Codec, ServerStream } from './types.js'

/** Joined messages stay well below what any receiver takes. */
const JOINED_BYTES_MAX = 256 * 1024

/** What carries the messages: the server's call on its HTTP/2 stream, or a duplex stream of grpc-js. */
export interface RawStream {
  on(event: 'data', listener: (bytes: Buffer) => void): unknown
  once(event: 'end', listener: () => void): unknown
  write(bytes: Buffer, written: () => void): unknown
  pause(): unknown
  resume(): unknown
}

export interface StreamOptions<In, Out> {
  readonly incoming: Codec<In>
  readonly outgoing: Codec<Out>
  readonly joins: boolean
  readonly highWaterBytes: number
  /** Of what `write` queues in spite of that; beyond it the call fails. */
  readonly queuedBytesMax: number
  /** What all queues may take together. */
  readonly room?: Room
  /** `end` ends the call, and not only our half: what arrives after it is for nobody. */
  readonly endsCall?: boolean
  /** All that was written has left, and no more will come: this side's own way to say so. */
  readonly finish: () => void
  /** Ends the call for this reason; what waits is dropped. */
  readonly abort: (error: RpcError) => void
  /** What its writer was handed threw: gives what the stream then fails with. Without it the error goes on up. */
  readonly known?: (error: unknown) => RpcError
}

export class GrpcStream<In, Out> implements ServerStream<In, Out>, ClientStream<In, Out> {
  readonly #raw: RawStream
  readonly #options: StreamOptions<In, Out>
  #queue: Uint8Array[] = []
  #queuedBytes = 0
  #flushing = false
  #full = false
  /** We write no more. */
  #ending = false
  /** Of a message that is on its way to the socket. */
  #sending = 0
  /** The other side was told that we write no more. */
  #finished = false
  /** The call failed or was cancelled here: nothing more is handed out. */
  #aborted = false
  #closed = false
  #onDrain: () => void = () => {}
  #onMessage: (message: In) => void = () => {}
  #onEnd: () => void = () => {}
  #onClose: (error: RpcError | null) => void = () => {}

  constructor(raw: RawStream, options: StreamOptions<In, Out>) {
    this.#raw = raw
    this.#options = options
    raw.on('data', (bytes: Buffer) => this.#receive(bytes))
    raw.once('end', () => {
      if (!this.#closed && !this.#aborted) this.#guarded(this.#onEnd)
    })
  }

  get queuedBytes(): number {
    return this.#queuedBytes
  }

  write(message: Out): boolean {
    if (this.#ending || this.#closed) return true
    const bytes = this.#options.outgoing.encode(message)
    if (this.#queuedBytes + bytes.length > this.#options.queuedBytesMax) {
      this.fail(new RpcError(Code.RESOURCE_EXHAUSTED, 'the reader is too slow'))
      return true
    }
    if (this.#options.room?.take(bytes.length) === false) {
      const text = 'too much waits for callers who do not read'
      this.fail(new RpcError(Code.RESOURCE_EXHAUSTED, text))
      return true
    }
    this.#queue.push(bytes)
    this.#queuedBytes += bytes.length
    this.#flushSoon()
    if (this.#queuedBytes >= this.#options.highWaterBytes) this.#full = true
    return !this.#full
  }

  onDrain(callback: () => void): void {
    this.#onDrain = callback
  }

  onMessage(callback: (message: In) => void): void {
    this.#onMessage = callback
  }

  onEnd(callback: () => void): void {
    this.#onEnd = callback
  }

  onClose(callback: (error: RpcError | null) => void): void {
    this.#onClose = callback
  }

  pause(): void {
    this.#raw.pause()
  }

  resume(): void {
    this.#raw.resume()
  }

  end(): void {
    if (this.#ending || this.#closed) return
    this.#ending = true
    this.#flushSoon()
  }

  fail(error: RpcError): void {
    if (this.#closed || this.#aborted) return
    this.#aborted = true
    this.#dropQueue()
    process.nextTick(() => this.close(error))
    this.#options.abort(error)
  }

  cancel(): void {
    this.fail(new RpcError(Code.CANCELLED, 'cancelled'))
  }

  /** The library says that the call is over; only the first time counts. */
  close(error: RpcError | null): void {
    if (this.#closed) return
    this.#closed = true
    this.#dropQueue()
    this.#guarded(() => this.#onClose(error))
  }

  /** The caller has gone (true), or was told the status that we ended with. */
  over(error: RpcError): boolean {
    // Whoever failed it is told of that, in a turn of its own.
    if (this.#closed || this.#aborted) return false
    const gone = !this.#finished
    this.close(gone ? error : null)
    return gone
  }

  #dropQueue(): void {
    this.#ending = true
    this.#queue = []
    this.#left(this.#queuedBytes - this.#sending)
  }

  /** So many bytes wait no more. */
  #left(length: number): void {
    const bytes = Math.min(length, this.#queuedBytes)
    this.#queuedBytes -= bytes
    this.#options.room?.give(bytes)
  }

  /** At the end of the turn: what one turn writes can then leave together. */
  #flushSoon(): void {
    if (this.#flushing) return
    this.#flushing = true
    process.nextTick(() => this.#flush())
  }

  #flush(): void {
    const next = this.#closed ? null : this.#takeNext()
    if (next === null) {
      this.#flushing = false
      if (!this.#ending || this.#closed || this.#aborted || this.#finished) return
      this.#finished = true
      this.#options.finish()
      return
    }
    // Not the message itself: whoever writes it may have a copy.
    const { length } = next
    this.#sending = length
    this.#raw.write(next, () => this.#written(length))
  }

  #written(length: number): void {
    this.#sending = 0
    this.#left(length)
    if (this.#full && this.#queuedBytes <= this.#options.highWaterBytes / 2) {
      this.#full = false
      if (!this.#closed && !this.#ending) this.#guarded(this.#onDrain)
    }
    this.#flush()
  }

  #takeNext(): Buffer | null {
    const first = this.#queue[0]
    if (first === undefined) return null
    let count = 1
    if (this.#options.joins) {
      let bytes = first.length
      while (count < this.#queue.length) {
        bytes += this.#queue[count]?.length ?? 0
        if (bytes > JOINED_BYTES_MAX) break
        count++
      }
    }
    const taken = this.#queue.splice(0, count)
    const joined = count === 1 ? first : concat(taken)
    return Buffer.from(joined.buffer, joined.byteOffset, joined.length)
  }

  #receive(bytes: Buffer): void {
    if (this.#closed || this.#aborted) return
    if (this.#ending && this.#options.endsCall === true) return
    let message: In
    try {
      message = this.#options.incoming.decode(bytes)
    } catch {
      this.fail(new RpcError(Code.INVALID_ARGUMENT, 'message cannot be decoded'))
      return
    }
    this.#guarded(() => this.#onMessage(message))
  }

  /** What the callback throws fails this stream, and nothing else. */
  #guarded(callback: () => void): void {
    const { known } = this.#options
    try {
      callback()
    } catch (error) {
      if (known === undefined) throw error
      this.fail(known(error))
    }
  }
}
