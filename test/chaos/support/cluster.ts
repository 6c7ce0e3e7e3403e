/** A cluster of node processes under one folder, and what can be asked of it. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Client, type StatusResponse } from '../../../src/client/index.js'
import { freePorts } from '../../support/ports.js'
import { type Ending, NodeProcess } from './node-process.js'

/** T. Above what a node on a busy machine of two cores was seen to stall. */
const ELECTION_MS = 600
/** Small, so that who was away for seconds gets a snapshot. */
const SNAPSHOT_ENTRIES = 400
const STATUS_TIMEOUT_MS = 1_500
const POLL_MS = 50

export class ChaosCluster {
  readonly root: string
  readonly nodes: readonly NodeProcess[]
  /** For the harness itself. */
  readonly admin: Client

  private constructor(root: string, nodes: readonly NodeProcess[]) {
    this.root = root
    this.nodes = nodes
    const endpoints = nodes.map((node) => node.endpoint)
    this.admin = new Client({ endpoints, commandTimeoutMs: 5_000 })
  }

  /** Starts nothing yet. `dataDirs`: where a node's data lives, if not in the folder. */
  static async create(
    root: string,
    count: number,
    dataDirs: ReadonlyMap<string, string> = new Map(),
  ): Promise<ChaosCluster> {
    mkdirSync(root, { recursive: true })
    const ports = await freePorts(2 * count)
    const names = Array.from({ length: count }, (_, i) => `n${i + 1}`)
    const peerPort = (i: number) => ports[2 * i + 1] ?? 0
    const initial = names.map((name, i) => `${name}=http://127.0.0.1:${peerPort(i)}`).join(',')
    const nodes = names.map(
      (name, i) =>
        new NodeProcess({
          name,
          clientPort: ports[2 * i] ?? 0,
          peerPort: peerPort(i),
          dataDir: dataDirs.get(name) ?? join(root, name),
          logFile: join(root, 'logs', `${name}.log`),
          flags: [
            ...['--initial-cluster', initial],
            ...['--election-timeout', String(ELECTION_MS)],
            ...['--heartbeat-interval', String(ELECTION_MS / 10)],
            ...['--snapshot-count', String(SNAPSHOT_ENTRIES)],
            '--enable-fault-injection',
          ],
        }),
    )
    return new ChaosCluster(root, nodes)
  }

  get names(): string[] {
    return this.nodes.map((node) => node.name)
  }

  get endings(): Ending[] {
    return this.nodes.flatMap((node) => node.endings)
  }

  node(name: string): NodeProcess {
    const node = this.nodes.find((one) => one.name === name)
    if (node === undefined) throw new Error(`no node ${name}`)
    return node
  }

  /** All together: until every member is there the cluster does not form. */
  async startAll(msMax: number): Promise<void> {
    for (const node of this.nodes) node.start()
    await this.healthy(msMax)
  }

  /** Null: it does not answer. */
  async statusOf(node: NodeProcess): Promise<StatusResponse | null> {
    if (!node.answers) return null
    return await this.admin
      .status(node.endpoint, { timeoutMs: STATUS_TIMEOUT_MS })
      .catch(() => null)
  }

  async leader(): Promise<NodeProcess | null> {
    const all = await Promise.all(this.nodes.map((node) => this.statusOf(node)))
    const leaders = all.filter((status) => status?.role === 'leader')
    const newest = leaders.sort((a, b) => (b?.term ?? 0) - (a?.term ?? 0))[0]
    return newest === null || newest === undefined ? null : this.node(newest.name)
  }

  /** Waits until every node answers and follows one leader; that a node is gone is no matter of waiting. */
  async healthy(msMax: number): Promise<void> {
    await this.until('every node following one leader', msMax, async () => {
      const all = await Promise.all(this.nodes.map((node) => this.statusOf(node)))
      const gone = this.nodes.find((node) => !node.alive)
      if (gone !== undefined)
        throw new Error(`${gone.name} ended: code ${gone.endings.at(-1)?.code}, see its log`)
      const leader = all.find((status) => status?.role === 'leader')?.name
      return leader !== undefined && all.every((status) => status?.leader === leader) ? true : null
    })
  }

  /** Waits for equal state on all nodes; gives the hash. */
  async converged(msMax: number): Promise<string> {
    return await this.until('equal state on all nodes', msMax, async () => {
      const all = await Promise.all(this.nodes.map((node) => this.statusOf(node)))
      const [first] = all
      if (first === null || first === undefined) return null
      const same = all.every(
        (one) =>
          one?.stateHash === first.stateHash &&
          one.appliedIndex === first.appliedIndex &&
          one.lastIndex === one.appliedIndex,
      )
      return same ? first.stateHash : null
    })
  }

  /** Asks until there is an answer; the limit ends it with what was asked and how the nodes stood. */
  async until<T>(what: string, msMax: number, ask: () => Promise<T | null>): Promise<T> {
    const end = performance.now() + msMax
    for (;;) {
      const answer = await ask()
      if (answer !== null) return answer
      if (performance.now() > end)
        throw new Error(`waited ${Math.round(msMax)} ms for ${what}: ${await this.describe()}`)
      await new Promise((done) => setTimeout(done, POLL_MS))
    }
  }

  async describe(): Promise<string> {
    const lines = this.nodes.map(async (node) => {
      const status = await this.statusOf(node)
      if (status === null)
        return `${node.name} ${node.alive ? (node.paused ? 'paused' : 'silent') : 'down'}`
      const { role, term, leader, lastIndex, commitIndex, appliedIndex, blocked } = status
      return `${node.name} ${role} term ${term} leader ${leader} last ${lastIndex} commit ${commitIndex} applied ${appliedIndex} hash ${status.stateHash.slice(0, 8)} blocks [${blocked.join()}] faults ${status.faults.length}`
    })
    return (await Promise.all(lines)).join('; ')
  }

  async close(): Promise<void> {
    this.admin.close()
    await Promise.all(this.nodes.map((node) => node.end('SIGKILL')))
    await Promise.all(this.nodes.map((node) => node.closeLog()))
  }
}
