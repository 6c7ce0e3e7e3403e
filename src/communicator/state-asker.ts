/**
 * Asks peers for parts of their snapshots, on a connection of its own to each that is asked, so that no message waits
 * behind them. A question that is lost is asked again by whoever asks, and opens the stream anew if it has ended. A
 * peer that is blocked is asked nothing; its stream stays as it is until the block is lifted.
 */
import type { NodeId } from '../consensus/ids.js'
import type { StateRequest } from '../gen/quorate/peer/v1/peer.js'
import { type Hello, PartRequest, type StateResponse } from '../gen/quorate/peer/v1/peer.js'
import { connect } from '../rpc/channel.js'
import { peer } from '../rpc/services.js'
import type { Channel, ClientStream } from '../rpc/types.js'
import { judgeReply, makeHello } from './handshake.js'
import type { Host } from './host.js'
import { PEER_CHANNEL } from './link.js'
import { Outbox } from './outbox.js'

/** With room for the largest part. */
const CHANNEL = { ...PEER_CHANNEL, receiveBytesMax: 512 * 1024 }

export class StateAsker {
  readonly #host: Host
  readonly #streams = new Map<NodeId, AskingStream>()

  constructor(host: Host) {
    this.#host = host
  }

  ask(from: NodeId, request: PartRequest): void {
    const endpoint = this.#host.options.peers.get(from)
    if (endpoint === undefined) {
      this.#host.counters.droppedUnknown++
      return
    }
    let stream = this.#streams.get(from)
    if (stream === undefined || stream.over) {
      if (this.#host.door.isBlocked(from)) {
        this.#host.counters.droppedBlocked++
        return
      }
      stream = new AskingStream(this.#host, { id: from, endpoint })
      this.#streams.set(from, stream)
    }
    stream.ask(request)
  }

  /** No more is asked of it for now. Closing tells the other side: not while it must hear nothing. */
  leave(from: NodeId): void {
    const stream = this.#streams.get(from)
    if (stream === undefined) return
    stream.left = true
    if (!this.#host.door.isBlocked(from)) this.#close(from, stream)
  }

  healed(id: NodeId): void {
    const stream = this.#streams.get(id)
    if (stream?.left === true) this.#close(id, stream)
  }

  close(): void {
    for (const [id, stream] of this.#streams) this.#close(id, stream)
  }

  #close(id: NodeId, stream: AskingStream): void {
    this.#streams.delete(id)
    stream.close()
  }
}

class AskingStream {
  readonly #host: Host
  readonly #id: NodeId
  readonly #hello: Hello
  readonly #channel: Channel
  readonly #stream: ClientStream<StateResponse, StateRequest>
  readonly #outbox: Outbox
  #welcome = false
  #writing = false
  over = false
  left = false

  constructor(host: Host, to: { readonly id: NodeId; readonly endpoint: string }) {
    this.#host = host
    this.#id = to.id
    this.#hello = makeHello(host.identity, to.id, host.bootstrap)
    const { door, limits, counters } = host
    this.#outbox = new Outbox(to.id, { door, limits, counters, onReady: () => this.#flush() })
    this.#channel = connect(to.endpoint, CHANNEL)
    this.#stream = this.#channel.stream(peer.state)
    this.#stream.onMessage((response) => this.#onResponse(response))
    this.#stream.onClose(() => this.close())
    this.#stream.onDrain(() => {
      this.#writing = false
      this.#flush()
    })
    this.#write({ content: { $case: 'hello', value: this.#hello } })
  }

  ask(request: PartRequest): void {
    this.left = false
    if (this.#outbox.add(PartRequest.encode(request).finish())) this.#flush()
  }

  close(): void {
    if (this.over) return
    this.over = true
    this.#outbox.clear()
    this.#channel.close()
  }

  #onResponse({ content }: StateResponse): void {
    if (this.over || content === undefined) return
    if (content.$case === 'hello') {
      const verdict = judgeReply(this.#host.members, this.#hello, content.value)
      if (verdict.type === 'refused') this.close()
      if (verdict.type !== 'welcome') return
      this.#welcome = true
      this.#flush()
      return
    }
    if (!this.#welcome) return
    const { part, data } = content.value
    this.#host.options.parts?.answered(this.#id, part, data ?? null)
  }

  #flush(): void {
    while (this.#welcome && !this.over && !this.#writing && !this.#outbox.isEmpty)
      for (const bytes of this.#outbox.takeFrame())
        this.#write({ content: { $case: 'part', value: PartRequest.decode(bytes) } })
  }

  #write(message: StateRequest): void {
    if (!this.#stream.write(message)) this.#writing = true
  }
}
