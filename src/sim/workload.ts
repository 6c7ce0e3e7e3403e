/** Clients that run the real client's rules against the simulated cluster; a load tells them what to ask. */
import { EMPTY } from '../base/bytes.js'
import { nextInt, type RandomState } from '../base/random.js'
import { numberOf } from '../client/core/pbft-state.js'
import type { ClientOutcome } from '../client/core/state.js'
import type { NodeId } from '../consensus/ids.js'
import type { Asked, Load } from './application.js'
import { Refusals } from './checkers/refusals.js'
import type { ClientHost, FrontDoor, SimClient, SimSessionCodec } from './clients/client.js'
import { ScepticalClient } from './clients/sceptical.js'
import { TrustingClient } from './clients/trusting.js'
import type { FaultCounts, FaultKind } from './faults.js'
import type { Kept } from './kept.js'
import { STREAM, streamOf } from './streams.js'
import type { World } from './world.js'

export interface WorkloadOptions {
  readonly clients: number
  readonly registers: number
  readonly lists: number
  /** Shares of the operations, of one. */
  readonly readShare: number
  readonly listShare: number
  readonly casShare: number
  /** Operations that a client starts at once. */
  readonly burstMax: number
  readonly thinkMsMean: number
  readonly operationMs: number
  readonly attemptTimeoutMs: number
  readonly paddingBytesMax: number
  readonly clientLatencyMs: number
  /** Chances per request, and per reply. */
  readonly requestLost: number
  readonly replyLost: number
  /** It reaches another node than the one that the client meant. */
  readonly requestStrayed: number
  /** It, or the answer, comes so much later than all others; or a second time then. */
  readonly requestLate: number
  readonly requestTwice: number
  readonly replyLate: number
  readonly replyTwice: number
  readonly lateMsMean: number
  readonly inflightMax: number
}

const CLIENT_TICK_MS = 25
/** All clients together are busy for a while, then calm, so that a cluster is seen idle too (ms). */
const BUSY_MS_MAX = 2_500
const CALM_MS_MAX = 4_000
/** How much longer a client thinks while it is calm. */
const CALM_FACTOR = 8
/** Operations of one client without an answer. */
const UNANSWERED_MAX = 12

interface Chance {
  readonly kind: FaultKind
  readonly p: number
}

interface FaultsOfTheWay {
  readonly late: Chance
  readonly twice: Chance
}

interface Person {
  readonly client: SimClient
  readonly number: number
  readonly asked: Map<number, Asked>
}

export class Workload {
  readonly load: Load
  readonly #world: World
  readonly #counts: FaultCounts
  readonly #options: WorkloadOptions
  readonly #door: FrontDoor
  readonly #nodes: readonly NodeId[]
  readonly #session: SimSessionCodec
  /** They believe f+1 replicas, not one. */
  readonly #sceptical: boolean
  readonly #clients: Person[] = []
  readonly #refusals = new Refusals()
  readonly #ofRequests: FaultsOfTheWay
  readonly #ofReplies: FaultsOfTheWay
  #lastId = 0
  #issuing = true
  /** Operations that were drawn so far, asked or not. */
  #drawn = 0
  readonly #kept: ReadonlySet<number> | null
  readonly #asked: number[] = []
  readonly #waves: RandomState
  #busy = false
  faulty = true

  constructor(setup: {
    readonly world: World
    readonly counts: FaultCounts
    readonly options: WorkloadOptions
    readonly load: Load
    readonly kept?: Kept['operations']
    readonly nodes: readonly NodeId[]
    readonly door: FrontDoor
    readonly session: SimSessionCodec
    readonly sceptical?: boolean
  }) {
    this.#world = setup.world
    this.#counts = setup.counts
    this.#options = setup.options
    const { requestLate, requestTwice, replyLate, replyTwice } = setup.options
    this.#ofRequests = {
      late: { kind: 'request-late', p: requestLate },
      twice: { kind: 'request-twice', p: requestTwice },
    }
    this.#ofReplies = {
      late: { kind: 'reply-late', p: replyLate },
      twice: { kind: 'reply-twice', p: replyTwice },
    }
    this.#door = setup.door
    this.#nodes = setup.nodes
    this.#session = setup.session
    this.#sceptical = setup.sceptical === true
    this.load = setup.load
    this.#kept = setup.kept ?? null
    this.#waves = streamOf(setup.world.seed, STREAM.load)
    for (let i = 0; i < setup.options.clients; i++) this.#addClient(setup.nodes)
    this.#wave()
    this.#door.listen((reply) => {
      const number = numberOf(reply)
      for (const { client } of this.#clients) client.heard?.(reply, number)
    })
  }

  #wave(): void {
    this.#busy = !this.#busy
    const ms = nextInt(this.#waves, 1, this.#busy ? BUSY_MS_MAX : CALM_MS_MAX)
    this.#world.after(ms, () => this.#wave())
  }

  /** No new operations from now on. */
  finish(): void {
    this.#issuing = false
  }

  /** Each client asks one thing more, and waits so long for the answer. */
  askOnce(ms: number): readonly Asked['recorded'][] {
    return this.#clients.map(
      (client) => this.#ask(client, this.load.last(client.number), ms).recorded,
    )
  }

  /** Of those drawn, by ordinal, those that were asked. */
  get asked(): readonly number[] {
    return this.#asked
  }

  get idle(): boolean {
    return this.#clients.every(({ client }) => client.isIdle)
  }

  #addClient(nodes: readonly NodeId[]): void {
    const client = this.#newPerson(nodes)
    this.#clients.push(client)
    const tick = () => {
      client.client.tick(this.#world.now)
      this.#world.after(CLIENT_TICK_MS, tick)
    }
    this.#world.after(this.#world.int(0, CLIENT_TICK_MS), tick)
    const think = () => {
      if (!this.#issuing) return
      // A closed loop: who waits for many answers asks nothing new.
      const room = UNANSWERED_MAX - client.asked.size
      const burst = Math.min(room, this.#world.int(1, this.#options.burstMax))
      for (let i = 0; i < burst; i++) this.#next(client)
      const thinkMs = this.#options.thinkMsMean * (this.#busy ? 1 : CALM_FACTOR)
      this.#world.after(this.#world.exponential(thinkMs), think)
    }
    this.#world.after(this.#world.exponential(this.#options.thinkMsMean), think)
  }

  #newPerson(nodes: readonly NodeId[]): Person {
    const { inflightMax, attemptTimeoutMs } = this.#options
    const asked = new Map<number, Asked>()
    const host: ClientHost = {
      door: this.#door,
      now: () => this.#world.now,
      request: (to, ask) => this.#request(to, ask),
      reply: (hear) => this.#reply(hear),
      done: (id, outcome) => this.#done(asked, id, outcome),
    }
    const seed = this.#world.int(1, 0x7fffffff)
    const bounds = { seed, inflightMax, queuedMax: 64, session: this.#session }
    const client = this.#sceptical
      ? new ScepticalClient(
          {
            ...bounds,
            replicas: nodes,
            primaryMs: attemptTimeoutMs,
            againMsMin: 100,
            againMsMax: 1_000,
          },
          host,
        )
      : new TrustingClient(
          { ...bounds, nodes, attemptTimeoutMs, backoffMsMin: 10, backoffMsMax: 300 },
          host,
          this.#refusals,
        )
    return { client, number: this.#clients.length, asked }
  }

  #next(client: Person): void {
    const ask = this.load.next(client.number)
    const ordinal = this.#drawn++
    if (this.#kept?.has(ordinal) === false) return
    this.#asked.push(ordinal)
    this.#ask(client, ask, this.#options.operationMs)
  }

  #ask(client: Person, ask: () => Asked, ms: number): Asked {
    const id = ++this.#lastId
    const asked = ask()
    client.asked.set(id, asked)
    const deadline = this.#world.now + ms
    client.client.ask({ id, type: asked.type, bytes: asked.bytes, deadline })
    return asked
  }

  #request(to: NodeId, ask: (reached: NodeId) => void): boolean {
    if (this.#strikes('reply-lost', this.#options.requestLost)) return false
    const reached = this.#reached(to)
    return this.#carry(() => ask(reached), this.#ofRequests)
  }

  #reply(hear: () => void): void {
    if (this.#strikes('reply-lost', this.#options.replyLost)) return
    this.#carry(hear, this.#ofReplies)
  }

  /** A balancer in between, or an old address, may lead elsewhere. */
  #reached(meant: NodeId): NodeId {
    if (!this.#strikes('request-strayed', this.#options.requestStrayed)) return meant
    return this.#nodes[this.#world.int(0, this.#nodes.length - 1)] ?? meant
  }

  /** `arrive` runs after the latency of the way; or much later; true: and once more. */
  #carry(arrive: () => void, { late, twice }: FaultsOfTheWay): boolean {
    const lateMs = this.#strikes(late.kind, late.p) ? this.#lateMs() : 0
    this.#world.after(this.#latency() + lateMs, arrive)
    if (!this.#strikes(twice.kind, twice.p)) return false
    this.#world.after(this.#latency() + this.#lateMs(), arrive)
    return true
  }

  #lateMs(): number {
    return this.#world.exponential(this.#options.lateMsMean)
  }

  #strikes(kind: FaultKind, p: number): boolean {
    if (!this.faulty || !this.#world.chance(p)) return false
    this.#counts.add(kind)
    return true
  }

  #latency(): number {
    return 0.05 + this.#world.exponential(this.#options.clientLatencyMs)
  }

  #done(open: Map<number, Asked>, id: number, outcome: ClientOutcome): void {
    const asked = open.get(id)
    if (asked === undefined) return
    open.delete(id)
    const kind = outcome.type === 'Answer' ? 1 : outcome.type === 'Failed' ? 2 : 3
    this.#world.mark(50 + kind, id, 0, outcome.type === 'Answer' ? outcome.bytes : EMPTY)
    this.#world.tell(() => {
      const text = outcome.type === 'Answer' ? 'ok' : `${outcome.type} (${outcome.reason})`
      return `client: ${asked.told()} ${text}`
    })
    switch (outcome.type) {
      case 'Answer': {
        const { bytes } = outcome
        asked.answered(asked.type === 'query' ? bytes : this.#session.content(bytes))
        return
      }
      case 'Failed':
        asked.failed()
        return
      case 'Indeterminate':
        asked.unknown()
    }
  }
}
