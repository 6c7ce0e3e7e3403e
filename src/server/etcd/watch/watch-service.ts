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
}

export function watchRoutes(parts: WatchParts): Route[] {
  return [
    streaming(etcdWatch.watch, (stream) => {
      if (parts.serving()) new WatchStream(stream, parts).open()
      else stream.fail(notServing())
    }),
  ]
}
