/** One channel to each endpoint, opened when it is first needed. */
import type { Channel } from '../rpc/types.js'
import type { Dial } from './options.js'

export class Channels {
  readonly #channels = new Map<string, Channel>()
  readonly #dial: Dial
  readonly #dialTimeoutMs: number

  constructor(dial: Dial, dialTimeoutMs: number) {
    this.#dial = dial
    this.#dialTimeoutMs = dialTimeoutMs
  }

  to(endpoint: string): Channel {
    let channel = this.#channels.get(endpoint)
    if (channel === undefined) {
      channel = this.#dial(endpoint)
      this.#channels.set(endpoint, channel)
    }
    return channel
  }

  /** What a call on this channel may take: no more than the dial timeout while there is no connection. */
  timeout(channel: Channel, timeoutMs: number): number {
    return channel.state === 'ready' ? timeoutMs : Math.min(timeoutMs, this.#dialTimeoutMs)
  }

  close(): void {
    for (const channel of this.#channels.values()) channel.close()
    this.#channels.clear()
  }
}
