/** etcdserverpb.Watch. */

import type { WatchSource } from '../../../machine/watch/events.js'
import type { WatchHub } from '../../../machine/watch/hub.js'
import { etcdWatch } from '../../../rpc/etcd-services.js'
import { type Route, streaming } from '../../../rpc/types.js'
import { notServing } from '../errors.js'
import type { Headers } from '../header.js'
import { refreshed } from './refreshed.js'
import { WatchStream } from './watch-stream.js'

export interface WatchParts {
  readonly hub: WatchHub
  readonly source: WatchSource
  readonly headers: Headers
  serving(): boolean
  /** Between two signs of life of a watch that asked for them (ms). */
  readonly progressMs: number
  /** To be awaited before a watch begins: from then on it is known how far the store is. Absent: it always is. */
  readonly refresh?: () => Promise<void>
  /** Of all watches of the node; one more is refused. Default 1,000,000. */
  readonly watchesMax?: number
}

/** Watches of all streams. */
export interface Room {
  left: number
}

const WATCHES_MAX = 1_000_000

export function watchRoutes(parts: WatchParts): Route[] {
  const room: Room = { left: parts.watchesMax ?? WATCHES_MAX }
  return [
    streaming(etcdWatch.watch, (stream) => {
      const { refresh, serving } = parts
      if (!serving()) stream.fail(notServing())
      else {
        const known = refresh === undefined ? stream : refreshed(stream, refresh)
        new WatchStream(known, parts, room).open()
      }
    }),
  ]
}
