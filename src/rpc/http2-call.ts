/**
 * A call on its HTTP/2 stream: what its handler knows of it, its deadline, how it ends, and how long its caller is waited
 * for (decision 12).
 */
import {
  constants,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2'
import { headerText, statusText } from './grpc-metadata.js'
import { MessageReader } from './message-reader.js'
import { MessageWriter } from './message-writer.js'
import type { OpenCall, OpenCalls, Patience, Share } from './open-calls.js'
import { closeBehind, HEADERS, isGone, refuseCall } from './refusal.js'
import { Code, RpcError } from './status.js'
import { timeoutMsOf } from './timeout.js'
import type { CallContext } from './types.js'

const OK: Status = { code: Code.OK, text: '' }
const OK_TRAILERS = { 'grpc-status': 0 }
const WITH_TRAILERS = { waitForTrailers: true, sendDate: false }
/** It waits for nothing. */
const NEVER = Number.POSITIVE_INFINITY

interface Status {
  readonly code: Code
  readonly text: string
}

export abstract class Http2Call implements CallContext, OpenCall {
  protected readonly stream: ServerHttp2Stream
  protected readonly open: OpenCalls
  protected readonly reader: MessageReader
  protected readonly writer: MessageWriter
  readonly #session: Http2Session | undefined
  readonly #share: Share
  readonly #headers: IncomingHttpHeaders
  /** Ms since 1970. */
  readonly #deadline: number
  readonly #timer: NodeJS.Timeout | null
  #trailers: Record<string, string> | null = null
  #status = OK
  #callbacks: (() => void)[] | null = null
  #cancelled = false
  /** The handler has said how it ended. */
  #finished = false
  /** Its status is on its way, or nobody will get one. */
  #over = false
  /** The stream is gone. */
  #isClosed = false
  /** A tick: since then the rest of a message is awaited; and when something of it came. */
  #readsSince: number
  #readAt: number
  /** A tick: since then its reader has taken nothing. */
  #writesSince = NEVER

  /** `headers`: looked through before, a timeout among them is well formed. */
  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, open: OpenCalls) {
    this.stream = stream
    this.open = open
    this.reader = new MessageReader(open.bounds.receiveBytesMax, open.receiving)
    this.#session = stream.session
    this.#share =
      stream.session === undefined ? { calls: 0, moved: 0 } : open.shareOf(stream.session)
    this.#share.calls++
    this.writer = new MessageWriter(stream, this.#share, { left: (bytes) => this.#left(bytes) })
    this.#headers = headers
    this.#readsSince = open.tick
    this.#readAt = open.tick
    const timeout = headers['grpc-timeout']
    const asked = timeout === undefined ? null : timeoutMsOf(String(timeout))
    const timeoutMs = asked === null ? null : Math.floor(asked)
    this.#deadline = timeoutMs === null ? Number.POSITIVE_INFINITY : Date.now() + timeoutMs
    this.#timer = timeoutMs === null ? null : setTimeout(() => this.#late(), timeoutMs)
    open.add(this)
    // Each error is followed by the end of the stream.
    stream.on('error', () => {})
    stream.on('close', () => this.#gone())
    stream.on('data', (bytes: Buffer) => {
      if (this.#over) return
      this.#readAt = this.open.tick
      this.reader.push(bytes)
      this.read()
    })
    stream.on('end', () => {
      if (!this.#over) this.readAll()
    })
  }

  /** Messages may have come. */
  protected abstract read(): void
  /** The caller has sent all. */
  protected abstract readAll(): void
  /** The call ends, and not by its handler. */
  protected abstract interrupt(error: RpcError): void
  /** Nothing of the answer has been read for long; `short`: there is no room left for others' answers. */
  protected abstract stalled(short: boolean): void
  /** So much of an answer is with the system now. */
  protected abstract left(bytes: number): void
  /** Nothing of it is left, but what its session has. */
  protected abstract closed(): void

  get peer(): string {
    const socket = this.stream.session?.socket
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

  cutIfWaits({ long, receiving, unread }: Patience): void {
    // Reset while its handler had it wait with bytes unread: Node would tell of it once they were read.
    if (this.stream.closed) {
      this.stream.destroy()
      this.#gone()
    }
    const late = this.#readsSince <= long
    if (!this.#over && (late || this.#isSlow(receiving))) {
      const text = late
        ? `the request was not whole after ${this.open.bounds.stallMsMax} ms`
        : 'nothing more came of the request, and others find no room'
      this.interrupt(new RpcError(Code.DEADLINE_EXCEEDED, text))
    }
    const short = this.#writesSince <= unread
    if (!short && this.#writesSince > long) return
    if (!isGone(this.stream)) this.stalled(short)
    // What was its has left the stream, and waits in a socket of which nobody reads.
    else if (short && this.#session !== undefined) this.open.cutOff(this.#session)
  }

  protected get isOver(): boolean {
    return this.#over
  }

  /** The rest of a message is awaited, or nothing in particular. */
  protected awaitsRest(yes: boolean): void {
    if (!yes) this.#readsSince = NEVER
    else if (this.#readsSince === NEVER) this.#readsSince = this.open.tick
  }

  /** The handler has said how it ended. */
  protected finish(): void {
    this.#finished = true
    this.#callbacks = null
  }

  /** No status before has been sent, and one may be now: from here on it is this one. */
  protected settle(): boolean {
    if (this.#over) return false
    this.#over = true
    this.#readsSince = NEVER
    this.reader.drop()
    return !isGone(this.stream)
  }

  /** A status in place of an answer, or behind one's messages. */
  protected sendStatus(error: RpcError | null): void {
    if (error !== null) {
      this.#status = { code: error.code, text: error.message }
      for (const [key, value] of Object.entries(error.trailers)) this.setTrailer(key, value)
    }
    if (!this.stream.headersSent) {
      refuseCall(this.stream, { ...this.#status, trailers: this.#trailers ?? {} })
      return
    }
    // In the middle of a message there is no status: the code of the reset stands for it.
    if (this.writer.isMidMessage) this.cut(resetCode(this.#status.code))
    else {
      this.#writesSince = this.open.tick
      this.stream.end()
    }
  }

  /** A message; `last`: with it the answer is whole. `written`: it has left for the socket, or will never. */
  protected send(bytes: Uint8Array, last: boolean, written: () => void): void {
    if (!this.stream.headersSent) this.#sendHeaders()
    this.#writesSince = this.open.tick
    this.writer.write(bytes, last, written)
  }

  /** Nothing more is sent, not even the rest of what was begun. */
  protected cut(code: number): void {
    this.settle()
    if (!isGone(this.stream)) this.stream.close(code)
    this.#gone()
  }

  #sendHeaders(): void {
    const { stream } = this
    stream.respond(HEADERS, WITH_TRAILERS)
    stream.once('wantTrailers', () => {
      stream.sendTrailers(this.#closingTrailers())
      setImmediate(closeBehind, stream)
    })
  }

  #closingTrailers(): Record<string, string | number> {
    const { code, text } = this.#status
    if (code === Code.OK && this.#trailers === null) return OK_TRAILERS
    const status = { 'grpc-status': code, 'grpc-message': encodeURI(statusText(text)) }
    return { ...this.#trailers, ...status }
  }

  #isSlow(tick: number): boolean {
    return this.#readsSince !== NEVER && this.#readAt <= tick
  }

  #left(bytes: number): void {
    // A status behind it may still wait for its reader.
    const nothingWaits = this.writer.underWay === 0 && !this.#over
    this.#writesSince = nothingWaits ? NEVER : this.open.tick
    this.left(bytes)
    if (this.#isClosed && this.writer.underWay === 0) this.open.remove(this)
  }

  #late(): void {
    if (this.stream.headersSent && this.#over) {
      // It was answered, and not read.
      this.cut(constants.NGHTTP2_CANCEL)
      return
    }
    this.#cancel()
    this.interrupt(new RpcError(Code.DEADLINE_EXCEEDED, 'Deadline exceeded'))
  }

  #gone(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#share.calls--
    this.settle()
    if (this.#timer !== null) clearTimeout(this.#timer)
    if (this.writer.underWay === 0) this.open.remove(this)
    this.#cancel()
    this.closed()
  }

  #cancel(): void {
    this.#cancelled = true
    const callbacks = this.#callbacks
    this.#callbacks = null
    if (this.#finished || callbacks === null) return
    for (const callback of callbacks) callback()
  }
}

function resetCode(code: Code): number {
  return code === Code.RESOURCE_EXHAUSTED
    ? constants.NGHTTP2_ENHANCE_YOUR_CALM
    : constants.NGHTTP2_CANCEL
}
