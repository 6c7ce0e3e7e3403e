/** One stream of keep-alives. */
import type {
  LeaseKeepAliveRequest,
  LeaseKeepAliveResponse,
} from '../../../gen/etcd/api/etcdserverpb/rpc.js'
import { RpcError } from '../../../rpc/status.js'
import type { ServerStream } from '../../../rpc/types.js'
import type { Headers } from '../header.js'
import type { KeepAlives } from './keep-alives.js'

/** Unanswered keep-alives of a stream: at the first it is held back, at the second it goes on. */
const UNANSWERED_MAX = 1_024
const UNANSWERED_LOW = 512

/** A lease that is not there is answered with TTL 0; where nothing can be ordered, the stream fails, and is opened anew. */
export function serveKeepAlives(
  stream: ServerStream<LeaseKeepAliveRequest, LeaseKeepAliveResponse>,
  keepAlives: KeepAlives,
  headers: Headers,
): void {
  let unanswered = 0
  let isOpen = true
  let hasEnded = false
  const endOnceAnswered = () => {
    if (hasEnded && unanswered === 0 && isOpen) stream.end()
  }
  stream.onMessage(({ ID }) => {
    if (++unanswered === UNANSWERED_MAX) stream.pause()
    keepAlives.ask(ID, (outcome) => {
      if (--unanswered === UNANSWERED_LOW) stream.resume()
      if (!isOpen) return
      if (outcome instanceof RpcError) {
        isOpen = false
        stream.fail(outcome)
        return
      }
      stream.write({ header: headers.of(outcome.revision), ID, TTL: outcome.ttl })
      endOnceAnswered()
    })
  })
  stream.onEnd(() => {
    hasEnded = true
    endOnceAnswered()
  })
  stream.onClose(() => {
    isOpen = false
  })
}
