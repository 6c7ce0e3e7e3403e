/**
 * Gives out parts of our snapshot to peers that ask: one stream a peer, so many questions at a time, all peers together
 * no faster than a snapshot may travel. Each answer passes the door as a message of ours: a blocked peer gets none.
 */
import type { NodeId } from '../consensus/ids.js'
import {
  type PartRequest,
  PartResponse,
  type StateRequest,
  type StateResponse,
} from '../gen/quorate/peer/v1/peer.js'
import { peer } from '../rpc/services.js'
import { Code, RpcError } from '../rpc/status.js'
import { type Route, type ServerStream, streaming } from '../rpc/types.js'
import type { Host } from './host.js'
import { answerHello } from './incoming.js'
import { Outbox } from './outbox.js'

type Stream = ServerStream<StateRequest, StateResponse>

/** Of one peer, questions that are not answered yet; what comes beyond is asked again. */
const QUESTIONS_MAX = 32
const HASH_BYTES = 32

/** When the next answer may leave, whoever it is for. */
interface Rate {
  nextMs: number
}

export class StateServer {
  readonly #host: Host
  readonly #rate: Rate = { nextMs: 0 }
  /** One from each peer: a newer one ends the older. */
  readonly #current = new Map<NodeId, Serving>()

  constructor(host: Host) {
    this.#host = host
  }

  route(): Route {
    return streaming(peer.state, (stream) => {
      const serving = new Serving(this.#host, stream, this.#rate, (from) => {
        this.#current.get(from)?.end('replaced by a newer stream')
        this.#current.set(from, serving)
      })
      stream.onClose(() => {
        serving.closed()
        for (const [from, one] of this.#current) if (one === serving) this.#current.delete(from)
      })
    })
  }

  close(): void {
    for (const serving of this.#current.values()) serving.end('the node is stopping')
    this.#current.clear()
  }
}

class Serving {
  readonly #host: Host
  readonly #stream: Stream
  readonly #rate: Rate
  readonly #onWelcome: (from: NodeId) => void
  readonly #questions = new Set<string>()
  #outbox: Outbox | null = null
  #over = false
  #writing = false
  #pause: NodeJS.Timeout | null = null
  #silent: NodeJS.Timeout | null = null

  constructor(host: Host, stream: Stream, rate: Rate, onWelcome: (from: NodeId) => void) {
    this.#host = host
    this.#stream = stream
    this.#rate = rate
    this.#onWelcome = onWelcome
    stream.onMessage((message) => this.#take(message))
    stream.onEnd(() => stream.end())
    stream.onDrain(() => {
      this.#writing = false
      this.#flush()
    })
    this.#awaits(host.limits.handshakeMsMax)
  }

  end(reason: string): void {
    if (this.#over) return
    this.closed()
    this.#stream.fail(new RpcError(Code.ABORTED, reason))
  }

  closed(): void {
    this.#over = true
    this.#outbox?.clear()
    if (this.#pause !== null) clearTimeout(this.#pause)
    if (this.#silent !== null) clearTimeout(this.#silent)
  }

  #take({ content }: StateRequest): void {
    if (this.#over) return
    this.#awaits(this.#host.limits.snapshotStallMs)
    if (content?.$case === 'part' && this.#outbox !== null)
      return this.#onQuestion(content.value, this.#outbox)
    if (content?.$case !== 'hello' || this.#outbox !== null)
      return this.end('a message out of order')
    const { reply, welcome } = answerHello(this.#host, content.value)
    this.#stream.write({ content: { $case: 'hello', value: reply } })
    if (!welcome) {
      this.closed()
      this.#stream.end()
      return
    }
    const from = content.value.nodeId
    const { door, limits, counters } = this.#host
    this.#outbox = new Outbox(from, { door, limits, counters, onReady: () => this.#flush() })
    this.#onWelcome(from)
  }

  #onQuestion({ snapshot, part }: PartRequest, outbox: Outbox): void {
    const { options, formed } = this.#host
    if (snapshot.length !== HASH_BYTES || part.length !== HASH_BYTES)
      return this.end('not the name of a part')
    const name = Buffer.from(part).toString('hex')
    if (!formed || options.parts === undefined || this.#questions.has(name)) return
    if (this.#questions.size >= QUESTIONS_MAX) return
    this.#questions.add(name)
    options.parts.asked(snapshot, part, (told) => {
      this.#questions.delete(name)
      if (this.#over || told === null) return
      const data = told.part ?? undefined
      if (outbox.add(PartResponse.encode({ part, data }).finish())) this.#flush()
    })
  }

  #flush(): void {
    const outbox = this.#outbox
    while (!this.#over && outbox !== null && !outbox.isEmpty && !this.#writing) {
      if (this.#mustWait()) return
      for (const bytes of outbox.takeFrame()) this.#write(bytes)
    }
  }

  #write(bytes: Uint8Array): void {
    const { counters, limits } = this.#host
    const ms = (bytes.length / limits.snapshotBytesPerSecond) * 1_000
    this.#rate.nextMs = Math.max(this.#rate.nextMs, performance.now()) + ms
    counters.snapshotBytesSent += bytes.length
    const value = PartResponse.decode(bytes)
    if (!this.#stream.write({ content: { $case: 'part', value } })) this.#writing = true
  }

  /** The rate: true when a timer will go on. */
  #mustWait(): boolean {
    const ms = this.#rate.nextMs - performance.now()
    if (ms <= 1) return false
    this.#pause ??= setTimeout(() => {
      this.#pause = null
      this.#flush()
    }, ms)
    return true
  }

  /** Who says nothing for so long is gone. */
  #awaits(ms: number): void {
    if (this.#silent !== null) clearTimeout(this.#silent)
    this.#silent = setTimeout(() => this.end('no question'), ms)
  }
}
