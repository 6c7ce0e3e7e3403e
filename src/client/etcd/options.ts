/** What a client of etcd's API is told once; each bound has its unit in its name. */
import { dialEndpoint } from '../dial.js'
import type { Dial } from '../options.js'

export interface EtcdClientOptions {
  /** `host:port`, or `http://host:port`: members of one cluster, asked in turn. */
  readonly endpoints: readonly string[]
  /** Until a connection is given up. Default 2,000. */
  readonly dialTimeoutMs?: number
  /** Until a call is given up, over all its attempts. Default 5,000. */
  readonly requestTimeoutMs?: number
  /** What may be repeated is tried elsewhere without an answer by then. Default 1,500. */
  readonly attemptTimeoutMs?: number
  /** Calls under way at once; one more fails as Overloaded. Default 4,096. */
  readonly inflightMax?: number
  /** For tests: how an endpoint is dialled. */
  readonly dial?: Dial
}

export interface EtcdSettings {
  readonly dialTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly attemptTimeoutMs: number
  readonly inflightMax: number
  readonly dial: Dial
}

export function etcdSettings(options: EtcdClientOptions): EtcdSettings {
  return {
    dialTimeoutMs: options.dialTimeoutMs ?? 2_000,
    requestTimeoutMs: options.requestTimeoutMs ?? 5_000,
    attemptTimeoutMs: options.attemptTimeoutMs ?? 1_500,
    inflightMax: options.inflightMax ?? 4_096,
    dial: options.dial ?? dialEndpoint,
  }
}
