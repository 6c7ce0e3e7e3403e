/** A streaming call on its HTTP/2 stream: messages one by one, whatever pieces they come in, and at the end a status. */
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import type { RawStream } from './grpc-stream.js'
import { Http2Call } from './http2-call.js'
import type { OpenCalls } from './open-calls.js'
import { isGone } from './refusal.js'
import { Code, RpcError } from './status.js'

export class StreamCall extends Http2Call implements RawStream {
  readonly #bytesMax: number
  #onData: (message: Buffer) => void = () => {}
  #onEnd: () => void = () => {}
  #onProblem: (error: RpcError) => void = () => {}
  #onOver: (error: RpcError) => void = () => {}
  #paused = false
  #handing = false
  /** The caller has sent all. */
  #allHere = false

  /** `firstBytesMax`: of the first message. */
  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    options: { readonly open: OpenCalls; readonly firstBytesMax: number },
  ) {
    super(stream, headers, options.open)
    this.#bytesMax = this.reader.bytesMax
    this.reader.bytesMax = Math.min(this.#bytesMax, options.firstBytesMax)
    this.awaitsRest(false)
  }

  on(_: 'data', listener: (message: Buffer) => void): void {
    this.#onData = listener
  }

  once(_: 'end', listener: () => void): void {
    this.#onEnd = listener
  }

  /** It has to fail over something that happened here. */
  onProblem(callback: (error: RpcError) => void): void {
    this.#onProblem = callback
  }

  /** It is over; the error is for a handler that had not ended it. */
  onOver(callback: (error: RpcError) => void): void {
    this.#onOver = callback
  }

  /** One at a time; `written`: it has left for the socket, or will never. */
  write(bytes: Uint8Array, written: () => void): void {
    if (this.isOver || isGone(this.stream)) process.nextTick(written)
    else this.send(bytes, false, written)
  }

  pause(): void {
    this.#paused = true
    this.stream.pause()
    // Nor is the caller waited for.
    this.awaitsRest(false)
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    process.nextTick(() => {
      if (this.#paused || this.isOver) return
      this.read()
      if (!this.#paused) this.stream.resume()
    })
  }

  /** With OK, once all is written. */
  end(): void {
    this.finish()
    if (this.settle()) this.sendStatus(null)
  }

  abort(error: RpcError): void {
    this.finish()
    if (this.settle()) this.sendStatus(error)
  }

  protected override interrupt(error: RpcError): void {
    this.#onProblem(error)
  }

  /** Hands out what is whole, unless it is asked to wait. */
  protected override read(): void {
    if (this.#handing) return
    this.#handing = true
    while (!this.#paused && !this.isOver) {
      const message = this.reader.next()
      if (message === null) break
      if (message instanceof RpcError) {
        this.#onProblem(message)
        break
      }
      this.reader.bytesMax = this.#bytesMax
      this.awaitsRest(false)
      this.#onData(message)
    }
    this.#handing = false
    this.awaitsRest(this.reader.isUnderWay && !this.#paused)
    this.#endIfAllHere()
  }

  protected override readAll(): void {
    this.#allHere = true
    this.#endIfAllHere()
  }

  /** etcd's clients take up a watch again behind INTERNAL and UNAVAILABLE, and behind nothing else. */
  protected override stalled(short: boolean): void {
    if (short || this.isOver) this.cut(constants.NGHTTP2_INTERNAL_ERROR)
  }

  /** Whoever wrote it counts it. */
  protected override left(): void {}

  protected override closed(): void {
    const onOver = this.#onOver
    this.#onOver = () => {}
    onOver(new RpcError(Code.CANCELLED, 'the caller is gone'))
  }

  #endIfAllHere(): void {
    if (!this.#allHere || this.#paused || !this.reader.isEmpty || this.isOver) return
    this.#allHere = false
    if (this.reader.isUnderWay)
      this.#onProblem(new RpcError(Code.INTERNAL, 'the last message is cut short'))
    else this.#onEnd()
  }
}
