/** Carries calls to the cluster: endpoint after endpoint in turn, again where that is certain to do no harm. */
import type { Channel, StreamMethod, UnaryMethod } from '../../rpc/types.js'
import { asRpcError } from '../attempts.js'
import { Channels } from '../channels.js'
import { ClientError } from '../errors.js'
import type { EtcdSettings } from './options.js'
import { failureOf } from './retry.js'

/** After every endpoint was tried, the next round waits; each longer, up to the second. */
const PAUSE_MS_MIN = 25
const PAUSE_MS_MAX = 800

/**
 * `read`: changes nothing, is repeated whatever happened. `repeatable`: changes something, but twice is as once.
 * `write`: repeated only while it is certain that it was not executed.
 */
export type Repeat = 'read' | 'repeatable' | 'write'

export interface Call {
  readonly repeat: Repeat
  /** Over all attempts; absent: the client's own. */
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export class Calls {
  readonly endpoints: readonly string[]
  readonly #settings: EtcdSettings
  readonly #channels: Channels
  readonly #onClose = new Set<() => void>()
  #closed = false
  #turn = 0
  #inflight = 0

  constructor(endpoints: readonly string[], settings: EtcdSettings) {
    this.endpoints = endpoints
    this.#settings = settings
    this.#channels = new Channels(settings.dial, settings.dialTimeoutMs)
  }

  get settings(): EtcdSettings {
    return this.#settings
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Throws ClientError, or the reason of `signal`. */
  async unary<Req, Res>(method: UnaryMethod<Req, Res>, request: Req, call: Call): Promise<Res> {
    if (this.#inflight >= this.#settings.inflightMax)
      throw new ClientError('Overloaded', `${this.#inflight} calls are under way, the most allowed`)
    this.#inflight++
    try {
      return await this.#attempts(method, request, call)
    } finally {
      this.#inflight--
    }
  }

  /** One attempt, at this endpoint. */
  async at<Req, Res>(
    endpoint: string,
    method: UnaryMethod<Req, Res>,
    request: Req,
    timeoutMs = this.#settings.requestTimeoutMs,
  ): Promise<Res> {
    try {
      return await this.#attempt(this.#channels.to(endpoint), method, request, timeoutMs)
    } catch (thrown) {
      this.#throwIfClosed()
      const { error } = failureOf(asRpcError(thrown), endpoint)
      throw error
    }
  }

  /** A stream to the endpoint whose turn it is. */
  stream<Req, Res>(method: StreamMethod<Req, Res>) {
    this.#throwIfClosed()
    const channel = this.#next()
    return { endpoint: channel.endpoint, stream: channel.stream(method, { metadata: METADATA }) }
  }

  /** Runs when the client is closed. */
  onClose(callback: () => void): () => void {
    this.#onClose.add(callback)
    return () => this.#onClose.delete(callback)
  }

  close(): void {
    this.#closed = true
    for (const callback of [...this.#onClose]) callback()
    this.#onClose.clear()
    this.#channels.close()
  }

  async #attempts<Req, Res>(
    method: UnaryMethod<Req, Res>,
    request: Req,
    { repeat, timeoutMs = this.#settings.requestTimeoutMs, signal }: Call,
  ): Promise<Res> {
    const end = performance.now() + timeoutMs
    const round = this.endpoints.length
    let pauseMs = PAUSE_MS_MIN
    let unknown: ClientError | null = null
    for (let n = 1; ; n++) {
      signal?.throwIfAborted()
      this.#throwIfClosed()
      const channel = this.#next()
      const left = Math.max(1, end - performance.now())
      const patience = repeat === 'write' ? left : Math.min(left, this.#settings.attemptTimeoutMs)
      try {
        return await this.#attempt(channel, method, request, patience)
      } catch (thrown) {
        this.#throwIfClosed()
        const failure = failureOf(asRpcError(thrown), channel.endpoint)
        if (failure.type === 'Refused') throw failure.error
        if (failure.type === 'Unknown') {
          if (repeat === 'write') throw failure.error
          unknown = failure.error
        }
        const pause = n % round === 0 ? pauseMs : 0
        if (performance.now() + pause >= end) throw lastWord(repeat, unknown, failure.error)
        if (pause > 0) {
          await rest(pause)
          pauseMs = Math.min(PAUSE_MS_MAX, 2 * pauseMs)
        }
      }
    }
  }

  #attempt<Req, Res>(
    channel: Channel,
    method: UnaryMethod<Req, Res>,
    request: Req,
    timeoutMs: number,
  ): Promise<Res> {
    const patience = this.#channels.timeout(channel, timeoutMs)
    return channel.unary(method, request, { timeoutMs: patience, metadata: METADATA })
  }

  /** In turn; one that cannot be reached at the moment only when all cannot. */
  #next(): Channel {
    const { endpoints } = this
    let chosen: Channel | null = null
    for (let i = 0; i < endpoints.length; i++) {
      const endpoint = endpoints[this.#turn++ % endpoints.length]
      if (endpoint === undefined) continue
      const channel = this.#channels.to(endpoint)
      if (channel.state !== 'failed') return channel
      chosen ??= channel
    }
    if (chosen === null) throw new Error('a client has endpoints')
    return chosen
  }

  #throwIfClosed(): void {
    if (this.closed) throw new ClientError('Closed', 'the client is closed')
  }
}

/** etcd ends a stream whose member has lost its leader when it is asked so. */
const METADATA = { hasleader: 'true' }

/** Of a read nothing is unknown but the answer. */
function lastWord(repeat: Repeat, unknown: ClientError | null, last: ClientError): ClientError {
  if (unknown === null) return last
  if (repeat !== 'read') return unknown
  return new ClientError('Unavailable', unknown.message, unknown.code)
}

export function rest(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
