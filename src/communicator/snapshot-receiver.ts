/** Snapshots that peers send: in order, whole and checked chunk by chunk, before the sink sees them. */
import { crc32c } from '../base/crc32c.js'
import type { NodeId } from '../consensus/ids.js'
import type {
  SnapshotChunk,
  SnapshotHeader,
  SnapshotRequest,
  SnapshotResponse,
} from '../gen/quorate/peer/v1/peer.js'
import { peer } from '../rpc/services.js'
import { Code, RpcError } from '../rpc/status.js'
import { type Route, type ServerStream, streaming } from '../rpc/types.js'
import type { Host } from './host.js'
import { answerHello } from './incoming.js'
import type { SnapshotSink } from './types.js'

type Stream = ServerStream<SnapshotRequest, SnapshotResponse>

/** Longer than a sender waits, so that it is the sender who decides. */
const STALLS_MAX = 3

export class SnapshotReceiver {
  readonly #host: Host
  /** One from each peer: a newer one ends the older. */
  readonly #current = new Map<NodeId, Transfer>()

  constructor(host: Host) {
    this.#host = host
  }

  route(): Route {
    return streaming(peer.snapshot, (stream) => {
      const transfer = new Transfer(this.#host, stream, (from) => {
        this.#current.get(from)?.abort('replaced by a newer snapshot')
        this.#current.set(from, transfer)
      })
      stream.onClose(() => {
        transfer.closed()
        for (const [from, one] of this.#current) if (one === transfer) this.#current.delete(from)
      })
    })
  }

  close(): void {
    for (const transfer of this.#current.values()) transfer.abort('the node is stopping')
    this.#current.clear()
  }
}

class Transfer {
  readonly #host: Host
  readonly #stream: Stream
  readonly #onWelcome: (from: NodeId) => void
  #from: NodeId | null = null
  #sink: SnapshotSink | null = null
  #bytesTotal = 0
  #acceptedBytes = 0
  /** The sink has a chunk: what comes meanwhile waits here, held short by pausing the stream. */
  #busy = false
  #waiting: SnapshotRequest[] = []
  #over = false
  #stall: NodeJS.Timeout | null = null

  constructor(host: Host, stream: Stream, onWelcome: (from: NodeId) => void) {
    this.#host = host
    this.#stream = stream
    this.#onWelcome = onWelcome
    stream.onMessage((message) => {
      this.#waiting.push(message)
      this.#next()
    })
    stream.onEnd(() => stream.end())
    this.#progress()
  }

  abort(reason: string): void {
    if (this.#over) return
    this.#finish()
    this.#sink?.abort()
    this.#stream.fail(new RpcError(Code.ABORTED, reason))
  }

  /** The stream is over; before its own end that means the sender is gone. */
  closed(): void {
    if (this.#over) return
    this.#finish()
    this.#sink?.abort()
  }

  #next(): void {
    while (!this.#busy && !this.#over) {
      const message = this.#waiting.shift()
      if (message === undefined) return
      this.#progress()
      this.#take(message)
    }
  }

  #take({ content }: SnapshotRequest): void {
    if (content?.$case === 'hello' && this.#from === null) {
      const { reply, welcome } = answerHello(this.#host, content.value)
      this.#stream.write({ content: { $case: 'hello', value: reply } })
      if (welcome) {
        this.#from = content.value.nodeId
        this.#onWelcome(this.#from)
      } else {
        this.#finish()
        this.#stream.end()
      }
    } else if (content?.$case === 'header' && this.#from !== null && this.#sink === null) {
      this.#onHeader(this.#from, content.value)
    } else if (content?.$case === 'chunk' && this.#sink !== null) {
      this.#onChunk(this.#sink, content.value)
    } else if (content?.$case === 'finish' && this.#sink !== null) {
      this.#onFinish(this.#sink)
    } else {
      this.#refuse('a message out of order')
    }
  }

  #onHeader(from: NodeId, header: SnapshotHeader): void {
    if (!this.#host.formed) {
      this.#refuse('the cluster has not formed here')
      return
    }
    const sink = this.#host.options.receiveSnapshot(from, header.meta, header.bytesTotal)
    if (typeof sink === 'string') {
      this.#refuse(sink)
      return
    }
    this.#sink = sink
    this.#bytesTotal = header.bytesTotal
  }

  #onChunk(sink: SnapshotSink, chunk: SnapshotChunk): void {
    const { offset, data } = chunk
    if (offset !== this.#acceptedBytes || data.length === 0) {
      this.#refuse('a chunk out of order')
      return
    }
    if (offset + data.length > this.#bytesTotal) {
      this.#refuse('more bytes than announced')
      return
    }
    if (crc32c(data) !== chunk.crc32c) {
      this.#host.counters.corruptFrames++
      this.#refuse('a chunk with a wrong checksum')
      return
    }
    this.#hold()
    sink.chunk(offset, data, (ok) => {
      if (this.#over) return
      if (!ok) {
        this.#refuse('the snapshot cannot be stored')
        return
      }
      this.#acceptedBytes = offset + data.length
      const accepted = this.#acceptedBytes
      this.#stream.write({ content: { $case: 'acceptedBytes', value: accepted } })
      this.#release()
    })
  }

  #onFinish(sink: SnapshotSink): void {
    if (this.#acceptedBytes !== this.#bytesTotal) {
      this.#refuse('fewer bytes than announced')
      return
    }
    // From here on the sink owns what it has; the sender's end changes nothing.
    this.#finish()
    sink.finish((problem) => {
      this.#stream.write(
        problem === null
          ? { content: { $case: 'done', value: {} } }
          : { content: { $case: 'refused', value: { reason: problem } } },
      )
      this.#stream.end()
    })
  }

  #hold(): void {
    this.#busy = true
    this.#stream.pause()
  }

  #release(): void {
    this.#busy = false
    this.#stream.resume()
    this.#next()
  }

  #refuse(reason: string): void {
    this.#finish()
    this.#sink?.abort()
    this.#stream.write({ content: { $case: 'refused', value: { reason } } })
    this.#stream.end()
  }

  #progress(): void {
    if (this.#stall !== null) clearTimeout(this.#stall)
    const ms = this.#host.limits.snapshotStallMs * STALLS_MAX
    this.#stall = setTimeout(() => this.abort('no progress'), ms)
  }

  #finish(): void {
    this.#over = true
    this.#waiting = []
    if (this.#stall !== null) clearTimeout(this.#stall)
    // A paused stream would never see its end.
    this.#stream.resume()
  }
}
