/** A stream of watches whose server has no store of its own: before one begins, it asks how far the cluster is. */
import type { WatchRequest, WatchResponse } from '../../../gen/etcd/api/etcdserverpb/rpc.js'
import { RpcError } from '../../../rpc/status.js'
import type { ServerStream } from '../../../rpc/types.js'

/** So many requests wait; then the stream is held back until they have been taken. */
const WAITING_MAX = 1_024

type Stream = ServerStream<WatchRequest, WatchResponse>

/** The same stream, whose requests come in their order, and each that begins a watch after a refresh that began after it. */
export function refreshed(stream: Stream, refresh: () => Promise<void>): Stream {
  let waiting: WatchRequest[] = []
  let busy = false
  let held = false
  let open = true
  let take: (request: WatchRequest) => void = () => {}
  const work = async (): Promise<void> => {
    busy = true
    while (open && waiting.length > 0) {
      const batch = waiting
      waiting = []
      if (batch.some(begins)) await refresh()
      if (open) for (const request of batch) take(request)
      if (held && waiting.length < WAITING_MAX) {
        held = false
        stream.resume()
      }
    }
    busy = false
  }
  const begin = (): void => {
    work().catch((error: unknown) => {
      open = false
      if (!(error instanceof RpcError)) throw error
      stream.fail(error)
    })
  }
  stream.onMessage((request) => {
    waiting.push(request)
    if (waiting.length >= WAITING_MAX && !held) {
      held = true
      stream.pause()
    }
    if (!busy) begin()
  })
  return {
    write: (message) => stream.write(message),
    get queuedBytes() {
      return stream.queuedBytes
    },
    onDrain: (callback) => stream.onDrain(callback),
    onMessage: (callback) => {
      take = callback
    },
    onEnd: (callback) => stream.onEnd(callback),
    onClose: (callback) =>
      stream.onClose((error) => {
        open = false
        callback(error)
      }),
    pause: () => stream.pause(),
    resume: () => stream.resume(),
    end: () => stream.end(),
    fail: (error) => stream.fail(error),
  }
}

function begins({ requestUnion }: WatchRequest): boolean {
  return requestUnion?.$case === 'createRequest'
}
