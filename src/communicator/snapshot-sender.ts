/**
 * One snapshot on its way to one peer, on a connection of its own so that it holds up no message: Hello, header,
 * chunks within a window and a rate, finish. The way back only says how much was accepted. A peer that is blocked
 * gets nothing more: the transfer is given up in silence, its stream stays as it is until the block is lifted.
 */
import { crc32c } from '../base/crc32c.js'
import type { SnapshotDelivery } from '../consensus/contract.js'
import type { NodeId } from '../consensus/ids.js'
import type { Hello, SnapshotRequest, SnapshotResponse } from '../gen/quorate/peer/v1/peer.js'
import { connect } from '../rpc/channel.js'
import { peer } from '../rpc/services.js'
import type { Channel, ClientStream } from '../rpc/types.js'
import { judgeReply, makeHello } from './handshake.js'
import type { Host } from './host.js'
import { PEER_CHANNEL } from './link.js'
import type { SnapshotSource } from './types.js'

/** The receiver verifies and syncs the whole file before it says so. */
const FINISH_STALLS_MAX = 6

export class SnapshotSender {
  readonly #host: Host
  readonly #to: NodeId
  readonly #source: SnapshotSource
  readonly #done: (end: SnapshotDelivery) => void
  readonly #hello: Hello
  readonly #channel: Channel
  readonly #stream: ClientStream<SnapshotResponse, SnapshotRequest>
  #welcome = false
  #sentBytes = 0
  #acceptedBytes = 0
  #finishSent = false
  #reading = false
  #writing = true
  /** Of the rate: when the next chunk may leave. */
  #nextMs = 0
  #pause: NodeJS.Timeout | null = null
  #stall: NodeJS.Timeout | null = null
  #over = false

  /** The target must not be blocked now. `done` is called once, later. */
  constructor(
    host: Host,
    to: { readonly id: NodeId; readonly endpoint: string },
    source: SnapshotSource,
    done: (end: SnapshotDelivery) => void,
  ) {
    this.#host = host
    this.#to = to.id
    this.#source = source
    this.#done = done
    this.#hello = makeHello(host.identity, to.id, host.bootstrap)
    this.#channel = connect(to.endpoint, PEER_CHANNEL)
    this.#stream = this.#channel.stream(peer.snapshot)
    this.#stream.onMessage((response) => this.#onResponse(response))
    this.#stream.onClose((error) => this.#fail(error?.message ?? 'the peer ended the stream'))
    this.#stream.onDrain(() => {
      this.#writing = false
      this.#pump()
    })
    this.#write({ content: { $case: 'hello', value: this.#hello } })
    this.#progress()
  }

  /** Delivered or failed; if a block ended it, its stream may still be open. */
  get over(): boolean {
    return this.#over
  }

  /** Ends it, and closes what a block had left open. */
  close(): void {
    this.#fail('the node is stopping')
    this.#channel.close()
  }

  #onResponse(response: SnapshotResponse): void {
    const content = response.content
    if (this.#over || content === undefined) return
    this.#progress()
    switch (content.$case) {
      case 'hello': {
        const verdict = judgeReply(this.#host.members, this.#hello, content.value)
        if (verdict.type === 'refused') this.#fail(verdict.refusal.text.slice(0, 256))
        if (verdict.type !== 'welcome' || this.#welcome) return
        this.#welcome = true
        const { meta, bytesTotal } = this.#source
        this.#write({ content: { $case: 'header', value: { meta, bytesTotal } } })
        this.#pump()
        return
      }
      case 'acceptedBytes':
        if (content.value > this.#acceptedBytes && content.value <= this.#sentBytes)
          this.#acceptedBytes = content.value
        this.#pump()
        return
      case 'done':
        if (this.#finishSent) this.#end('delivered', null)
        else this.#fail('the peer has it before it was sent')
        return
      case 'refused':
        this.#fail(content.value.reason.slice(0, 256))
    }
  }

  #pump(): void {
    if (this.#over || !this.#welcome || this.#writing || this.#reading || this.#finishSent) return
    const { snapshotChunkBytes, snapshotWindowBytes } = this.#host.limits
    const left = this.#source.bytesTotal - this.#sentBytes
    if (left === 0) {
      if (!this.#mayWrite()) return
      this.#finishSent = true
      this.#write({ content: { $case: 'finish', value: {} } })
      this.#progress()
      return
    }
    if (this.#sentBytes - this.#acceptedBytes >= snapshotWindowBytes) return
    if (this.#mustWait()) return
    this.#reading = true
    this.#source.read(this.#sentBytes, Math.min(left, snapshotChunkBytes), (bytes) => {
      this.#reading = false
      if (this.#over) return
      if (bytes === null || bytes.length === 0)
        this.#end('unreadable', 'the snapshot cannot be read')
      else this.#sendChunk(bytes)
    })
  }

  #sendChunk(data: Uint8Array): void {
    if (!this.#mayWrite()) return
    const value = { offset: this.#sentBytes, data, crc32c: crc32c(data) }
    this.#sentBytes += data.length
    this.#host.counters.snapshotBytesSent += data.length
    this.#nextMs =
      Math.max(this.#nextMs, performance.now()) +
      (data.length / this.#host.limits.snapshotBytesPerSecond) * 1_000
    this.#write({ content: { $case: 'chunk', value } })
    this.#pump()
  }

  /** The rate: true when a timer will go on. */
  #mustWait(): boolean {
    const ms = this.#nextMs - performance.now()
    if (ms <= 1) return false
    this.#pause ??= setTimeout(() => {
      this.#pause = null
      this.#pump()
    }, ms)
    return true
  }

  #mayWrite(): boolean {
    if (!this.#host.door.isBlocked(this.#to)) return true
    this.#host.counters.droppedBlocked++
    this.#end('undelivered', 'the target is blocked')
    return false
  }

  #write(message: SnapshotRequest): void {
    this.#writing = !this.#stream.write(message)
  }

  #progress(): void {
    if (this.#stall !== null) clearTimeout(this.#stall)
    const ms = this.#host.limits.snapshotStallMs * (this.#finishSent ? FINISH_STALLS_MAX : 1)
    this.#stall = setTimeout(() => this.#fail('no progress'), ms)
  }

  #fail(reason: string): void {
    this.#end('undelivered', reason)
  }

  #end(end: SnapshotDelivery, reason: string | null): void {
    if (this.#over) return
    this.#over = true
    if (this.#stall !== null) clearTimeout(this.#stall)
    if (this.#pause !== null) clearTimeout(this.#pause)
    this.#source.close()
    // Closing tells the other side: not while it must hear nothing.
    if (!this.#host.door.isBlocked(this.#to)) this.#channel.close()
    if (end === 'delivered') this.#host.counters.snapshotsSent++
    if (reason !== null) this.#host.log.tell({ type: 'snapshot-failed', peer: this.#to, reason })
    setImmediate(() => this.#done(end))
  }
}
