/** A lease that is kept alive until it is revoked, released or lost. */
import type {
  LeaseKeepAliveResponse,
  LeaseTimeToLiveResponse,
} from '../../gen/etcd/api/etcdserverpb/rpc.js'
import { Code, RpcError } from '../../rpc/status.js'
import { answered, failed, isLost, type KeepAlive, kept, waitMs } from '../core/keep-alive.js'
import { ClientError } from '../errors.js'
import { type Calls, rest } from './calls.js'
import { LEASE_GRANT, LEASE_KEEP_ALIVE, LEASE_REVOKE, LEASE_TIME_TO_LIVE } from './methods.js'
import { failureOf } from './retry.js'

export interface LeaseOptions {
  /** Chosen by the caller, any 64 bits but 0. Absent: the cluster chooses. */
  readonly id?: string
  /** False: it lives for its time, and as long as `keepAliveOnce` is called. Default true. */
  readonly keepAlive?: boolean
}

/** Rejects with ClientError. Of unknown outcome a lease may exist that nobody keeps: it expires by itself. */
export async function grantLease(
  calls: Calls,
  ttl: number,
  options: LeaseOptions = {},
): Promise<Lease> {
  const sentAt = performance.now()
  const request = { TTL: String(Math.ceil(ttl)), ID: options.id ?? '0' }
  const granted = await calls.unary(LEASE_GRANT, request, { repeat: 'write' })
  if (granted.error !== '') throw new ClientError('InvalidRequest', granted.error)
  return new Lease(calls, granted.ID, {
    ttl: granted.TTL,
    sentAt,
    keepAlive: options.keepAlive ?? true,
  })
}

export class Lease {
  readonly id: string
  /** Seconds, as the cluster granted it: more than was asked where that is too short for it. */
  readonly ttl: number
  readonly #calls: Calls
  readonly #lost = new AbortController()
  readonly #forget: () => void
  #state: KeepAlive
  #timer: NodeJS.Timeout | null = null
  #done = false

  constructor(
    calls: Calls,
    id: string,
    start: { readonly ttl: number; readonly sentAt: number; readonly keepAlive: boolean },
  ) {
    this.#calls = calls
    this.id = id
    this.ttl = start.ttl
    this.#state = kept(start.ttl, start.sentAt)
    this.#forget = calls.onClose(() => this.release())
    if (start.keepAlive) this.#schedule()
    else this.#done = true
  }

  /**
   * Aborted, with a ClientError `LeaseLost` as its reason, as soon as the lease has expired or may have: what it
   * holds must not be relied upon any more. Never aborted by `revoke` or `release`.
   */
  get lost(): AbortSignal {
    return this.#lost.signal
  }

  /** Extends it by its whole time, once; seconds. Throws `LeaseLost` when the cluster does not know it. */
  async keepAliveOnce(): Promise<number> {
    const { ttl } = await askKeepAlive(this.#calls, this.id)
    if (ttl <= 0) throw lost(this.id, 'it has expired')
    return ttl
  }

  /** What the cluster says of it: the seconds left (-1: not known), and with `keys` what it holds. */
  timeToLive(options: { readonly keys?: boolean } = {}): Promise<LeaseTimeToLiveResponse> {
    const request = { ID: this.id, keys: options.keys ?? false }
    return this.#calls.unary(LEASE_TIME_TO_LIVE, request, { repeat: 'read' })
  }

  /** Ends it: its keys are deleted. */
  async revoke(): Promise<void> {
    this.release()
    try {
      await this.#calls.unary(LEASE_REVOKE, { ID: this.id }, { repeat: 'repeatable' })
    } catch (error) {
      // Gone already, perhaps by an attempt whose answer was lost.
      if (!(error instanceof ClientError) || error.code !== Code.NOT_FOUND) throw error
    }
  }

  /** Stops keeping it alive: it ends when its time is over. */
  release(): void {
    this.#done = true
    this.#forget()
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #schedule(): void {
    this.#timer = setTimeout(() => void this.#beat(), waitMs(this.#state, performance.now()))
  }

  async #beat(): Promise<void> {
    if (isLost(this.#state, performance.now())) return this.#lose('nobody answered in its time')
    // A watch of the deadline beside it: an attempt may take longer than what is left.
    this.#timer = setTimeout(
      () => this.#lose('nobody answered in its time'),
      this.#state.deadline - performance.now(),
    )
    const sentAt = performance.now()
    try {
      const { ttl } = await keepAlive(this.#calls, this.id, this.#calls.settings.attemptTimeoutMs)
      const next = answered(ttl, sentAt)
      if (next === null) return this.#lose('it has expired')
      this.#state = next
    } catch {
      // Told by `lost` once its time is over.
      this.#state = failed(this.#state, performance.now())
    }
    if (this.#done) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#schedule()
  }

  #lose(why: string): void {
    if (this.#done) return
    this.release()
    this.#lost.abort(lost(this.id, why))
  }
}

function lost(id: string, why: string): ClientError {
  return new ClientError('LeaseLost', `lease ${hexOf(id)} is lost: ${why}`)
}

/** As etcd's tools write ids, and its recipes name keys. */
export function hexOf(id: string): string {
  return BigInt.asUintN(64, BigInt(id)).toString(16)
}

/** Keeps a lease of anybody's alive, once, trying until the client's timeout; `ttl` 0: not known. */
export async function askKeepAlive(
  calls: Calls,
  id: string,
): Promise<{ readonly ttl: number; readonly response: LeaseKeepAliveResponse }> {
  const { requestTimeoutMs, attemptTimeoutMs } = calls.settings
  const end = performance.now() + requestTimeoutMs
  for (let n = 0; ; n++) {
    const left = end - performance.now()
    try {
      return await keepAlive(calls, id, Math.min(attemptTimeoutMs, left))
    } catch (error) {
      const pauseMs = Math.min(500, 25 * 2 ** n)
      if (performance.now() + pauseMs >= end) throw error
      if (error instanceof ClientError && !AGAIN.includes(error.kind)) throw error
      await rest(pauseMs)
    }
  }
}

const AGAIN: readonly string[] = ['NoLeader', 'Unavailable', 'Overloaded', 'Indeterminate']

/** One attempt, by a stream of its own. */
function keepAlive(
  calls: Calls,
  id: string,
  timeoutMs: number,
): Promise<{ readonly ttl: number; readonly response: LeaseKeepAliveResponse }> {
  return new Promise((resolve, reject) => {
    const { endpoint, stream } = calls.stream(LEASE_KEEP_ALIVE)
    const limit = setTimeout(() => stream.cancel(), timeoutMs)
    stream.onMessage((response) => {
      clearTimeout(limit)
      resolve({ ttl: response.TTL, response })
      stream.end()
    })
    stream.onClose((error) => {
      clearTimeout(limit)
      const why = error ?? new RpcError(Code.UNAVAILABLE, 'the stream ended without an answer')
      reject(failureOf(why, endpoint).error)
    })
    stream.write({ ID: id })
  })
}
