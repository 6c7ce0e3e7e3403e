/**
 * Replicas without consensus: real servers, services and reply desks over one order of requests, each with a machine of
 * its own. A test decides which of them lies, and how.
 */
import type { Request } from '../../../src/consensus/contract.js'
import { Keyring } from '../../../src/crypto/keyring.js'
import { nodeSuite } from '../../../src/crypto/node.js'
import type { Signer } from '../../../src/crypto/ports.js'
import type { Voice } from '../../../src/crypto/sealed.js'
import type { ReadDone, SubmitDone } from '../../../src/driver/outcomes.js'
import type { StatusResponse } from '../../../src/gen/quorate/v1/quorate.js'
import { encodeOk } from '../../../src/machine/answers.js'
import { KvMachine } from '../../../src/machine/kv/kv-machine.js'
import { SessionMachine } from '../../../src/machine/machine.js'
import { CLIENT_PORT_LIMITS } from '../../../src/rpc/limits.js'
import { createServer } from '../../../src/rpc/server.js'
import type { Server } from '../../../src/rpc/types.js'
import { quorateRoutes } from '../../../src/server/quorate-service.js'
import type { Replica, TransferRefusal } from '../../../src/server/replica.js'
import { ReplyDesk } from '../../../src/server/reply-desk.js'

export type Lie =
  | 'none'
  /** Executes and never says so. */
  | 'silent'
  /** Its sealed word on an answer of its own invention. */
  | 'wrong-result'
  /** Does not hand on what it is asked. */
  | 'drops'
  /** Refuses what it is asked. */
  | 'refuses'
  /** Says in which view it is not. */
  | 'wrong-view'
  /** Seals replies with another key. */
  | 'wrong-key'
  /** Answers with an invention of its own in the names of all the others, under its own key. */
  | 'impersonates'
  /** Tells other keys than the others do. */
  | 'wrong-keys-told'

export class FakePbft {
  readonly nodes: FakeReplica[] = []
  readonly clientKeys: Signer[] = []
  primary = 'n1'
  view = 0
  /** Requests in the order in which they were executed. */
  readonly ordered: Request[] = []
  #index = 0
  readonly #executed = new Set<string>()

  static async start(options: { n?: number; clients?: Signer[] } = {}): Promise<FakePbft> {
    const cluster = new FakePbft()
    cluster.clientKeys.push(...(options.clients ?? []))
    for (let i = 1; i <= (options.n ?? 4); i++) cluster.nodes.push(new FakeReplica(cluster, i))
    for (const node of cluster.nodes) await node.listen()
    return cluster
  }

  get keys() {
    return this.nodes.map(({ name, signer }) => ({ name, publicKey: signer.publicKey }))
  }

  get endpoints(): string[] {
    return this.nodes.map((node) => node.endpoint)
  }

  node(name: string): FakeReplica {
    return this.nodes.find((node) => node.name === name)!
  }

  /** At every replica, at once and in the same order; what is in flight already only once. */
  order(request: Request): void {
    const key = `${request.session}:${request.seq}`
    if (this.#executed.has(key)) return
    this.#executed.add(key)
    setImmediate(() => {
      this.#executed.delete(key)
      this.ordered.push(request)
      const entry = { index: ++this.#index, time: 1_000, requests: [request] }
      for (const node of this.nodes) node.apply(entry)
    })
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.close()))
  }
}

export class FakeReplica implements Replica {
  readonly name: string
  readonly signer: Signer
  readonly commandTimeoutMs = 5_000
  readonly commandBytesMax = 1024 * 1024
  readonly machine = new SessionMachine(new KvMachine())
  readonly asked: Request[] = []
  lie: Lie = 'none'
  speaksAs: string | null = null
  endpoint = ''
  readonly #cluster: FakePbft
  readonly #waiting: { readonly request: Request; readonly done: SubmitDone }[] = []
  #server: Server | null = null
  #desk: ReplyDesk | null = null

  constructor(cluster: FakePbft, i: number) {
    this.#cluster = cluster
    this.name = `n${i}`
    this.signer = nodeSuite.signer(new Uint8Array(32).fill(i))
  }

  get signed(): ReplyDesk {
    this.#desk ??= this.#makeDesk()
    return this.#desk
  }

  #makeDesk(): ReplyDesk {
    const cluster = this.#cluster
    const keyring = new Keyring({
      suite: nodeSuite,
      clusterId: 'c',
      replicas: cluster.keys,
      clients: cluster.clientKeys.map(({ publicKey }, i) => ({ name: `c${i}`, publicKey })),
      allowAnonymousClients: cluster.clientKeys.length === 0,
    })
    const stranger = nodeSuite.signer(new Uint8Array(32).fill(99))
    const voice: Voice = {
      suite: nodeSuite,
      clusterId: 'c',
      signer: {
        publicKey: this.signer.publicKey,
        sign: (bytes) => (this.lie === 'wrong-key' ? stranger : this.signer).sign(bytes),
        agree: (publicKey) => this.signer.agree(publicKey),
      },
    }
    const speaker = (): string => this.speaksAs ?? this.name
    return new ReplyDesk({
      get replica() {
        return speaker()
      },
      voice,
      keyring,
      view: () => (this.lie === 'wrong-view' ? 1_000_003 : cluster.view),
      machine: {
        mayUse: (request) => this.machine.mayUse(request),
        storedAnswer: (session, seq) => {
          const stored = this.machine.storedAnswer(session, seq)
          if (stored === null || this.lie === 'silent') return null
          return this.lie === 'wrong-result' ? LIE : stored
        },
      },
      later: (task) => void setImmediate(task),
    })
  }

  async listen(port = 0): Promise<void> {
    this.#server = createServer({ routes: quorateRoutes(this), limits: CLIENT_PORT_LIMITS })
    const { host, port: bound } = await this.#server.listen('127.0.0.1', port)
    this.endpoint = `${host}:${bound}`
  }

  async close(): Promise<void> {
    await this.#server?.close(0)
    this.#server = null
  }

  apply(entry: { index: number; time: number; requests: Request[] }): void {
    const answers = this.machine.applyEntry(entry)
    const told = this.lie === 'wrong-result' ? answers.map(() => LIE) : answers
    if (this.lie === 'impersonates')
      for (const { name } of this.#cluster.nodes) {
        this.speaksAs = name
        this.signed.applied(entry, [LIE])
      }
    else if (this.lie !== 'silent') this.signed.applied(entry, told)
    this.speaksAs = null
    const [request] = entry.requests
    for (const { request: waiting, done } of this.#waiting.splice(0)) {
      if (waiting.session === request?.session && waiting.seq === request.seq)
        done({ type: 'Answer', bytes: told[0]! })
      else this.#waiting.push({ request: waiting, done })
    }
  }

  submit(request: Request, _timeoutMs: number, done: SubmitDone): void {
    this.asked.push(request)
    if (this.lie === 'refuses') {
      done({ type: 'Overloaded', reason: 'so it says' })
      return
    }
    this.#waiting.push({ request, done })
    const { primary } = this.#cluster
    if (this.lie === 'drops' || this.#cluster.node(primary).lie === 'drops') return
    this.#cluster.order(request)
  }

  unavailable(): null {
    return null
  }

  read(_timeoutMs: number, done: ReadDone): void {
    done({ type: 'Unsupported' })
  }

  query(query: Uint8Array): Uint8Array {
    return this.machine.query(query)
  }

  appliedIndex(): number {
    return this.machine.appliedIndex
  }

  clientEndpointOf(name: string): string {
    return this.#cluster.node(name).endpoint
  }

  transferLeadership(): TransferRefusal {
    return { type: 'Refused', reason: 'PBFT' }
  }

  status(): StatusResponse {
    const keys = this.#cluster.keys
    if (this.lie === 'wrong-keys-told') keys[0]!.publicKey = new Uint8Array(32).fill(5)
    return {
      name: this.name,
      endpoint: this.endpoint,
      pid: 1,
      version: '0',
      protocol: 'pbft',
      role: 'backup',
      term: this.#cluster.view,
      leader: this.#cluster.primary,
      lastIndex: 0,
      commitIndex: 0,
      appliedIndex: 0,
      stateHash: this.machine.hash(),
      blocked: [],
      firstIndex: 0,
      snapshotIndex: 0,
      peers: [],
      incarnation: 1,
      uid: '',
      clusterId: 'c',
      formed: true,
      configuration: undefined,
      agreedTimeMs: 0,
      uptimeMs: 0,
      leaderEndpoint: '',
      faultInjection: false,
      counters: [],
      faults: [],
      pbft: {
        replicaKeys: keys,
        faultyMax: 1,
        anonymousClients: true,
        active: true,
        lowWatermark: 0,
        highWatermark: 256,
        stableCheckpoint: 0,
        mute: false,
        diverged: false,
        suspicions: [],
      },
    }
  }
}

const LIE = encodeOk(new Uint8Array([0x0a, 0x02, 0x08, 0x63]))
