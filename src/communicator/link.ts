/**
 * The stream to one peer, kept open: dial, Hello, then frames of messages. Only our own words travel on it; what
 * the peer has to say comes on the stream that it opened. While the peer is blocked nothing is begun: no dial, no
 * handshake, no frame; a stream that is open stays open.
 */
import { crc32c } from '../base/crc32c.js'
import { nextInt } from '../base/random.js'
import type { NodeId } from '../consensus/ids.js'
import type { ExchangeRequest, ExchangeResponse, Hello } from '../gen/quorate/peer/v1/peer.js'
import { connect } from '../rpc/channel.js'
import { peer } from '../rpc/services.js'
import type { Channel, ClientStream } from '../rpc/types.js'
import { concernsDirectory, judgeReply, makeHello, refusalName } from './handshake.js'
import type { Host } from './host.js'
import { Outbox } from './outbox.js'

export const PEER_CHANNEL = {
  receiveBytesMax: 128 * 1024,
  keepaliveMs: 2_000,
  keepaliveTimeoutMs: 4_000,
  // One frame at a time: whatever has to wait waits in the outbox, where a partition still finds it.
  streamHighWaterBytes: 1,
} as const

/** One connection, from the dial to its end. */
interface Attempt {
  readonly channel: Channel
  readonly stream: ClientStream<ExchangeResponse, ExchangeRequest>
  /** The last one that was sent. */
  hello: Hello
  /** When (ms); null: its answer is here. */
  helloAt: number | null
  up: boolean
  peerUid: string
  /** A frame is on its way to the socket. */
  writing: boolean
  timer: NodeJS.Timeout
}

export class PeerLink {
  readonly #host: Host
  readonly #id: NodeId
  readonly #endpoint: string
  readonly #outbox: Outbox
  /** Since the start. */
  readonly traffic = { bytesSent: 0, sendsFailed: 0, disconnects: 0 }
  #attempt: Attempt | null = null
  #probe: NodeJS.Timeout | null = null
  #retry: NodeJS.Timeout | null = null
  #failures = 0
  #flushing = false
  /** Our Hello has changed while the peer was blocked. */
  #stale = false
  #closed = false

  constructor(host: Host, id: NodeId, endpoint: string) {
    this.#host = host
    this.#id = id
    this.#endpoint = endpoint
    this.#outbox = new Outbox(id, {
      door: host.door,
      limits: host.limits,
      counters: host.counters,
      onReady: () => this.#flush(),
    })
  }

  get connected(): boolean {
    return this.#attempt?.up === true
  }

  start(): void {
    this.#dial()
  }

  send(message: Uint8Array): void {
    const { counters, limits, formed } = this.#host
    if (!formed) {
      counters.droppedUnformed++
      return
    }
    if (this.#attempt?.up !== true) counters.droppedDisconnected++
    else if (message.length > limits.messageBytesMax) counters.droppedOversize++
    else if (this.#outbox.add(message)) return this.#flushSoon()
    this.traffic.sendsFailed++
  }

  /** What our Hello says has changed. */
  announce(): void {
    const attempt = this.#attempt
    if (attempt === null) return
    if (this.#host.door.isBlocked(this.#id)) {
      this.#stale = true
      return
    }
    this.#stale = false
    attempt.hello = this.#hello()
    attempt.helloAt = performance.now()
    attempt.stream.write({ content: { $case: 'hello', value: attempt.hello } })
  }

  /** The peer is no longer blocked. */
  healed(): void {
    if (this.#stale) this.announce()
    if (this.#attempt === null && this.#retry === null) this.#dial()
  }

  /** The members' data directories have become known. */
  recheck(): void {
    const attempt = this.#attempt
    if (attempt === null || !attempt.up) return
    if ((this.#host.members.uidOf(this.#id) ?? attempt.peerUid) !== attempt.peerUid)
      this.#failed(attempt, 'another data directory')
  }

  close(): void {
    this.#closed = true
    if (this.#retry !== null) clearTimeout(this.#retry)
    this.#retry = null
    this.#hangUp()
  }

  #hello(): Hello {
    return makeHello(this.#host.identity, this.#id, this.#host.bootstrap)
  }

  #dial(): void {
    this.#retry = null
    if (this.#closed || this.#host.door.isBlocked(this.#id)) return
    this.#host.counters.dials++
    // A connection of its own each time: no library reconnects behind our back to whom we have blocked.
    const channel = connect(this.#endpoint, PEER_CHANNEL)
    const stream = channel.stream(peer.exchange)
    const attempt: Attempt = {
      channel,
      stream,
      hello: this.#hello(),
      helloAt: null,
      up: false,
      peerUid: '',
      writing: false,
      timer: setTimeout(
        () => this.#failed(attempt, 'no answer to the handshake'),
        this.#host.limits.handshakeMsMax,
      ),
    }
    this.#attempt = attempt
    this.#stale = false
    stream.onMessage((response) => this.#onReply(attempt, response))
    stream.onClose((error) => this.#failed(attempt, error?.message ?? 'the peer ended the stream'))
    stream.onDrain(() => {
      attempt.writing = false
      this.#flush()
    })
    attempt.writing = !stream.write({ content: { $case: 'hello', value: attempt.hello } })
  }

  #onReply(attempt: Attempt, response: ExchangeResponse): void {
    if (this.#attempt !== attempt) return
    const reply = response.hello
    if (reply === undefined) return
    const { members, options, counters, log } = this.#host
    const verdict = judgeReply(members, attempt.hello, reply)
    if (verdict.type === 'stale') return
    const heard = { nodeId: this.#id, uid: reply.uid, bootstrap: reply.bootstrap }
    if (verdict.type === 'refused') {
      const { refusal } = verdict
      counters.refusals++
      const text = refusal.text.slice(0, 256)
      log.tell({ type: 'refused-by-peer', peer: this.#id, code: refusalName(refusal), text })
      this.#hangUp()
      this.#retryLater()
      // Only then can a wiped member, or an old copy, know that it is one.
      if (reply.refusal !== undefined && concernsDirectory(reply.refusal))
        if (reply.nodeId === this.#id) options.onHello(heard)
      return
    }
    this.#answered(attempt)
    if (!attempt.up) {
      clearTimeout(attempt.timer)
      attempt.up = true
      attempt.peerUid = reply.uid
      this.#failures = 0
      counters.connects++
      this.#probe = setInterval(() => this.announce(), this.#host.limits.probeMs)
      this.#probe.unref()
      log.tell({ type: 'peer-connected', peer: this.#id, endpoint: this.#endpoint })
    }
    options.onHello(heard)
  }

  /** Of a Hello on a stream that was open before: the dial is no part of a round trip. */
  #answered(attempt: Attempt): void {
    if (attempt.helloAt === null) return
    const seconds = (performance.now() - attempt.helloAt) / 1_000
    attempt.helloAt = null
    this.#host.options.onRoundTrip?.(this.#id, seconds)
  }

  #failed(attempt: Attempt, reason: string): void {
    if (this.#attempt !== attempt) return
    this.#host.log.tell({ type: 'peer-unreachable', peer: this.#id, reason })
    this.#hangUp()
    this.#retryLater()
  }

  #hangUp(): void {
    const attempt = this.#attempt
    if (attempt === null) return
    this.#attempt = null
    clearTimeout(attempt.timer)
    if (this.#probe !== null) clearInterval(this.#probe)
    this.#probe = null
    attempt.channel.close()
    this.traffic.sendsFailed += this.#outbox.clear()
    if (attempt.up) this.traffic.disconnects++
    if (attempt.up && !this.#closed) this.#host.options.onGone(this.#id)
  }

  #retryLater(): void {
    if (this.#closed) return
    const { backoffMsMin, backoffMsMax } = this.#host.limits
    const ms = Math.min(backoffMsMax, backoffMsMin * 2 ** Math.min(this.#failures++, 16))
    const jittered = nextInt(this.#host.random, Math.ceil(ms / 2), Math.ceil(ms))
    this.#retry = setTimeout(() => this.#dial(), jittered)
  }

  /** At the end of the turn, so that what one turn sends leaves as few frames. */
  #flushSoon(): void {
    if (this.#flushing) return
    this.#flushing = true
    process.nextTick(() => {
      this.#flushing = false
      this.#flush()
    })
  }

  #flush(): void {
    const attempt = this.#attempt
    if (attempt === null || !attempt.up) return
    while (!attempt.writing && !this.#outbox.isEmpty) {
      const messages = this.#outbox.takeFrame()
      if (messages.length > 0) this.#writeFrame(attempt, messages)
    }
  }

  #writeFrame(attempt: Attempt, messages: Uint8Array[]): void {
    const { counters, identity } = this.#host
    let checksum = 0
    for (const bytes of messages) {
      checksum = crc32c(bytes, checksum)
      counters.bytesSent += bytes.length
      this.traffic.bytesSent += bytes.length
    }
    counters.messagesSent += messages.length
    counters.framesSent++
    const frame = { configurationEpoch: 0, groupId: identity.groupId, messages, crc32c: checksum }
    attempt.writing = !attempt.stream.write({ content: { $case: 'frame', value: frame } })
  }
}
