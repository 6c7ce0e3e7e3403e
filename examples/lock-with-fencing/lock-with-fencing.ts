/**
 * A lock alone does not protect a resource: its holder may be held up (a pause, a slow network) until the lock is
 * somebody else's, and then go on. The fencing token does: it grows from holder to holder, travels with every write, and
 * whatever is written to refuses a token smaller than the greatest that it has seen.
 */
import type { EtcdClient } from 'quorate/client'

/** Stands for what is to be protected: a file store, a printer, another database. */
export class FencedStore {
  #greatest = 0
  readonly accepted: string[] = []

  write(token: number, line: string): void {
    if (token < this.#greatest)
      throw new Error(`token ${token} is old: ${this.#greatest} was here before`)
    this.#greatest = token
    this.accepted.push(line)
  }
}

/** Writes under the lock; throws when the lock is lost while it writes, or the store has seen a later holder. */
export async function writeLocked(
  client: EtcdClient,
  store: FencedStore,
  lines: AsyncIterable<string> | Iterable<string>,
): Promise<number> {
  const lock = await client.lock('examples/store', { ttl: 5 })
  try {
    for await (const line of lines) {
      // As soon as we know; the store's own check is for what we cannot know in time.
      lock.lost.throwIfAborted()
      store.write(lock.token, line)
    }
    return lock.token
  } finally {
    await lock.release()
  }
}
