/**
 * Nodes without consensus: real servers and services over one shared state machine, so that what a client does is
 * seen by itself. A test decides who leads and what a node does with a command.
 */
import type { Request } from '../../../src/consensus/contract.js'
import type { ReadDone, SubmitDone, SubmitOutcome } from '../../../src/driver/outcomes.js'
import type { TargetFaults } from '../../../src/gen/quorate/v1/faults.js'
import type { StatusResponse } from '../../../src/gen/quorate/v1/quorate.js'
import { KvMachine } from '../../../src/machine/kv/kv-machine.js'
import { SessionMachine } from '../../../src/machine/machine.js'
import { CLIENT_PORT_LIMITS } from '../../../src/rpc/limits.js'
import { createServer } from '../../../src/rpc/server.js'
import type { Server } from '../../../src/rpc/types.js'
import { faultRoutes } from '../../../src/server/fault-service.js'
import { quorateRoutes } from '../../../src/server/quorate-service.js'
import type { FaultSwitch, Replica, TransferRefusal } from '../../../src/server/replica.js'

export type Treatment =
  | 'execute'
  /** Executed, but the caller never hears of it. */
  | 'lose-reply'
  /** As if the message had been lost. */
  | 'ignore'
  | 'overload'
  | 'say-unknown'

export class FakeCluster {
  readonly kv = new KvMachine()
  readonly machine = new SessionMachine(this.kv)
  readonly nodes: FakeNode[] = []
  leader: string | null = 'n1'
  #index = 0
  time = 0

  static async start(count = 3): Promise<FakeCluster> {
    const cluster = new FakeCluster()
    for (let i = 1; i <= count; i++) {
      const node = new FakeNode(cluster, `n${i}`)
      await node.listen()
      cluster.nodes.push(node)
    }
    return cluster
  }

  node(name: string): FakeNode {
    const node = this.nodes.find((one) => one.name === name)
    if (node === undefined) throw new Error(`no node ${name}`)
    return node
  }

  get endpoints(): string[] {
    return this.nodes.map((node) => node.endpoint)
  }

  execute(request: Request): Uint8Array {
    const entry = { index: ++this.#index, time: this.time, requests: [request] }
    const [answer] = this.machine.applyEntry(entry)
    return answer!
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.close()))
  }
}

export class FakeNode implements Replica, FaultSwitch {
  readonly name: string
  readonly commandTimeoutMs = 5_000
  readonly commandBytesMax = 1.5 * 1024 * 1024
  readonly commands: Request[] = []
  blocked: readonly string[] = []
  ttlMs = 0
  targets: TargetFaults[] = []
  faultsTtlMs = 0
  reads = 0
  /** More than so many are not answered. */
  readsMax = Number.POSITIVE_INFINITY
  why: string | null = null
  /** What the leader does with the next commands; then it executes them. */
  readonly script: Treatment[] = []
  readonly #cluster: FakeCluster
  #server: Server | null = null
  endpoint = ''

  constructor(cluster: FakeCluster, name: string) {
    this.#cluster = cluster
    this.name = name
  }

  async listen(port = 0): Promise<void> {
    this.#server = createServer({
      routes: [...quorateRoutes(this), ...faultRoutes(this)],
      limits: CLIENT_PORT_LIMITS,
    })
    const { host, port: bound } = await this.#server.listen('127.0.0.1', port)
    this.endpoint = `${host}:${bound}`
  }

  async close(): Promise<void> {
    await this.#server?.close(0)
    this.#server = null
  }

  unavailable(): string | null {
    return this.why
  }

  submit(request: Request, _timeoutMs: number, done: SubmitDone): void {
    this.commands.push({ ...request, command: request.command.slice() })
    if (this.#cluster.leader !== this.name) {
      this.#later(done, { type: 'NotLeader', leader: this.#cluster.leader })
      return
    }
    const treatment = request.session === 0 ? 'execute' : (this.script.shift() ?? 'execute')
    switch (treatment) {
      case 'execute':
        this.#later(done, { type: 'Answer', bytes: this.#cluster.execute(request) })
        return
      case 'lose-reply':
        this.#cluster.execute(request)
        return
      case 'ignore':
        return
      case 'overload':
        this.#later(done, { type: 'Overloaded', reason: 'as scripted' })
        return
      case 'say-unknown':
        this.#later(done, { type: 'Indeterminate', reason: 'as scripted' })
    }
  }

  #later(done: SubmitDone, outcome: SubmitOutcome): void {
    setImmediate(() => done(outcome))
  }

  read(_timeoutMs: number, done: ReadDone): void {
    this.reads++
    if (this.reads > this.readsMax) return
    const { leader } = this.#cluster
    setImmediate(() => done(leader === null ? { type: 'NotLeader', leader } : { type: 'Ready' }))
  }

  query(query: Uint8Array): Uint8Array {
    return this.#cluster.machine.query(query)
  }

  appliedIndex(): number {
    return this.#cluster.machine.appliedIndex
  }

  clientEndpointOf(name: string): string {
    return this.#cluster.nodes.find((node) => node.name === name)?.endpoint ?? ''
  }

  transferLeadership(to: string): TransferRefusal | null {
    const { leader } = this.#cluster
    if (leader !== this.name) return { type: 'NotLeader', leader }
    this.#cluster.leader = to
    return null
  }

  unknownNodes(ids: readonly string[]): string[] {
    return ids.filter((id) => !this.#cluster.nodes.some((node) => node.name === id))
  }

  setPartition(blocked: readonly string[], ttlMs: number): void {
    this.blocked = [...blocked]
    this.ttlMs = ttlMs
  }

  setFaults(targets: readonly TargetFaults[], ttlMs: number): void {
    this.targets = [...targets]
    this.faultsTtlMs = ttlMs
  }

  faults() {
    const { blocked, ttlMs, targets, faultsTtlMs } = this
    return { blocked, ttlLeftMs: ttlMs, targets, faultsTtlLeftMs: faultsTtlMs }
  }

  readonly byzantineKinds = ['wrong-parts']
  byzantineOn: readonly string[] = []

  setByzantine(kinds: readonly string[]): void {
    this.byzantineOn = kinds
  }

  byzantine() {
    return this.byzantineOn.map((kind) => ({ kind, acted: 1 }))
  }

  status(): StatusResponse {
    const { leader, machine, nodes } = this.#cluster
    return {
      name: this.name,
      endpoint: this.endpoint,
      pid: process.pid,
      version: '0.1.0',
      protocol: 'raft',
      role: leader === this.name ? 'leader' : 'follower',
      term: 3,
      leader: leader ?? '',
      lastIndex: machine.appliedIndex,
      commitIndex: machine.appliedIndex,
      appliedIndex: machine.appliedIndex,
      stateHash: machine.hash(),
      blocked: [...this.blocked],
      firstIndex: 1,
      snapshotIndex: 0,
      peers: [],
      incarnation: 1,
      uid: 'u',
      clusterId: 'c',
      formed: true,
      configuration: {
        members: nodes.map((node) => ({ name: node.name, uid: 'u' })),
        voters: nodes.map((node) => node.name),
        votersOutgoing: [],
        learners: [],
        learnersNext: [],
        autoLeave: false,
      },
      agreedTimeMs: 0,
      uptimeMs: 1,
      leaderEndpoint: leader === null ? '' : this.clientEndpointOf(leader),
      faultInjection: true,
      counters: [],
      faults: [...this.targets],
    }
  }
}
