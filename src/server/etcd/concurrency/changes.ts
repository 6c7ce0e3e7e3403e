/** What becomes of some keys from a revision on, told by the hub that tells all watchers. */
import type { Version } from '../../../machine/kv/history.js'
import type { WatchHub } from '../../../machine/watch/hub.js'
import type { Watcher, WatchRange } from '../../../machine/watch/watcher.js'

export interface ChangeListener {
  /** Oldest first. */
  changed(versions: readonly Version[]): void
  /** Some of it was compacted before it could be told; nothing else comes. */
  lost(): void
}

/** Until the returned function is called. */
export function follow(
  hub: WatchHub,
  range: WatchRange,
  from: number,
  listener: ChangeListener,
): () => void {
  const watcher: Watcher = {
    id: 0,
    range,
    noPut: false,
    noDelete: false,
    prevKv: false,
    fragment: false,
    progressNotify: false,
    sink: {
      writable: true,
      events: (_, versions) => listener.changed(versions),
      compacted: () => listener.lost(),
    },
    next: from,
  }
  hub.add(watcher)
  return () => hub.remove(watcher)
}

/**
 * Ends when one of the keys has been deleted at or after the revision, or may have been. Rejects with the signal's
 * reason.
 */
export function oneDeleted(
  hub: WatchHub,
  keys: readonly string[],
  from: number,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const stops: (() => void)[] = []
    const stop = () => {
      for (const one of stops) one()
      signal.removeEventListener('abort', aborted)
    }
    const aborted = () => {
      stop()
      reject(signal.reason)
    }
    const end = () => {
      stop()
      resolve()
    }
    if (signal.aborted) {
      reject(signal.reason)
      return
    }
    signal.addEventListener('abort', aborted)
    const changed = (versions: readonly Version[]) => {
      if (versions.some(({ deleted }) => deleted)) end()
    }
    for (const key of keys) stops.push(follow(hub, { key, end: '' }, from, { changed, lost: end }))
  })
}
