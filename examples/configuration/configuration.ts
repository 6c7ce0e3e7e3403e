/**
 * Configuration that is always current: read once, then followed from the very revision that was read. Nothing is missed
 * between the two, nor while nodes or connections come and go.
 */
import { CompactedError, type EtcdClient } from 'quorate/client'

const PREFIX = 'examples/config/'

export class Configuration {
  readonly values = new Map<string, string>()
  /** Of the store that `values` is a copy of. */
  revision = 0
  readonly #client: EtcdClient

  constructor(client: EtcdClient) {
    this.#client = client
  }

  /** Ends with the signal. `changed` is called once all is read, and after each change of one revision or more. */
  async follow(changed: () => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#read()
      changed()
      try {
        await this.#watch(changed, signal)
      } catch (error) {
        // We were away for so long that the history is gone: what counts is what is there now.
        if (!(error instanceof CompactedError)) throw error
      }
    }
  }

  async #read(): Promise<void> {
    const { kvs, header } = await this.#client.range(PREFIX, { prefix: true })
    this.values.clear()
    for (const { key, value } of kvs) this.values.set(nameOf(key), text(value))
    this.revision = header?.revision ?? 0
  }

  async #watch(changed: () => void, signal: AbortSignal): Promise<void> {
    const startRevision = this.revision + 1
    for await (const batch of this.#client.watch(PREFIX, { prefix: true, startRevision, signal })) {
      for (const { type, kv } of batch.events)
        if (type === 'put') this.values.set(nameOf(kv.key), text(kv.value))
        else this.values.delete(nameOf(kv.key))
      this.revision = batch.revision
      changed()
    }
  }
}

function nameOf(key: Uint8Array): string {
  return text(key).slice(PREFIX.length)
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}
