/** etcdserverpb.Watch. */

import type { WatchSource } from '../../../machine/watch/events.js'
import type { WatchHub } from '../../../machine/watch/hub.js'
import { etcdWatch } from '../../../rpc/etcd-services.js'
import { type Route, streaming } from '../../../rpc/types.js'
import { notServing } from '../errors.js'
import type { Headers } from '../header.js'
import { WatchStream } from './watch-stream.js'

export interface WatchParts {
  readonly hub: WatchHub
  readonly source: WatchSource
  readonly headers: Headers
  serving(): boolean
  /** Between two signs of life of a watch that asked for them (ms). */
  readonly progressMs: number
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
      if (parts.serving()) new WatchStream(stream, parts, room).open()
      else stream.fail(notServing())
    }),
  ]
}
