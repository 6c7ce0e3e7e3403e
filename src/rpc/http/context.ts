/** A call over HTTP/1.1 as its handler sees it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { timeoutMsOf } from '../timeout.js'
import type { CallContext } from '../types.js'

/** Headers that stand for metadata carry this before its key. */
const METADATA = 'grpc-metadata-'

/** A timer holds no more ms; whoever waits for longer is not told that it is over. */
const TIMER_MS_MAX = 2 ** 31 - 1

export class HttpContext implements CallContext {
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #deadline: number
  readonly #onDeadline: (() => void)[] = []

  constructor(request: IncomingMessage, response: ServerResponse, timeoutMs: number) {
    this.#request = request
    this.#response = response
    this.#deadline = performance.now() + timeoutMs
    if (timeoutMs > TIMER_MS_MAX) return
    const timer = setTimeout(() => {
      for (const callback of this.#onDeadline) callback()
    }, Math.ceil(timeoutMs))
    response.once('close', () => clearTimeout(timer))
  }

  /** Once the caller's time is up, if he has not gone before. In the order in which they were set. */
  onDeadline(callback: () => void): void {
    this.#onDeadline.push(callback)
  }

  get peer(): string {
    const { remoteAddress, remotePort } = this.#request.socket
    return `${remoteAddress}:${remotePort}`
  }

  remainingMs(): number {
    return Math.max(0, this.#deadline - performance.now())
  }

  get cancelled(): boolean {
    return this.#response.closed && !this.#response.writableFinished
  }

  onCancelled(callback: () => void): void {
    this.onDeadline(callback)
    const response = this.#response
    if (this.cancelled) process.nextTick(callback)
    else {
      response.once('close', () => {
        if (!response.writableEnded) callback()
      })
      onHalfClosed(this.#request, response, callback)
    }
  }

  metadata(key: string): string | undefined {
    const { headers } = this.#request
    // A token travels as HTTP's own header.
    const value =
      headers[METADATA + key] ?? (key === 'token' ? headers.authorization : headers[key])
    return Array.isArray(value) ? value[0] : value
  }

  /** There is no place for one in an answer that is JSON. */
  setTrailer(): void {}
}

/**
 * The caller sends nothing more, before he has his answer. He may be gone, or only have said so, as `nc -N` does: what is
 * answered in a moment still is, but who would have to be waited for is taken to be gone.
 */
export function onHalfClosed(
  { socket }: IncomingMessage,
  response: ServerResponse,
  callback: () => void,
): void {
  const onEnd = (): void => {
    if (!response.writableEnded) callback()
  }
  if (socket.readableEnded) {
    process.nextTick(onEnd)
    return
  }
  socket.once('end', onEnd)
  response.once('close', () => socket.off('end', onEnd))
}

/** Null: it is none. Zero is as good as none given, as etcd's gateway has it. */
export function readTimeoutMs(header: string | string[] | undefined): number | null {
  if (header === undefined) return Number.POSITIVE_INFINITY
  const ms = timeoutMsOf(String(header))
  return ms === 0 ? Number.POSITIVE_INFINITY : ms
}
