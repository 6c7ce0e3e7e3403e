/**
 * A cluster of real `quorate serve` processes on loopback, with their data in a temporary folder. What a node
 * logged is printed when its test fails.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { onTestFailed } from 'vitest'
import { CLUSTER_FILE, writeCluster } from '../../../src/cli/dev/folder.js'
import { frontDoorOf, keyFileOf, withKeys } from '../../../src/cli/dev/keys.js'
import { Client, type ClientOptions, type StatusResponse } from '../../../src/client/index.js'
import { faultsMax } from '../../../src/consensus/pbft/quorum.js'
import { type ClusterKeys, readClusterFile } from '../../../src/crypto/cluster-file.js'
import { freePorts } from '../../support/ports.js'

export const MAIN = resolve(import.meta.dirname, '../../../dist/cli/main.js')

/** The hard limit of waiting for anything at all. */
const WAIT_MS = 30_000
/** Between two looks at a cluster whose state nobody pushes to us. */
const POLL_MS = 20

/** A node that does not answer in time counts as away. */
const STATUS_TIMEOUT_MS = 1_000

export interface ClusterOptions {
  /** Default: raft. */
  readonly protocol?: 'raft' | 'pbft'
  /** Default: 3, and 4 over PBFT. */
  readonly nodes?: number
  /** T, the lower bound of the election timeout. */
  readonly electionTimeoutMs?: number
  readonly extraFlags?: readonly string[]
  /** Default: enabled. */
  readonly faultInjection?: boolean
  /** Where no test runs yet (`beforeAll`), nobody can be told that one failed. Default: print their logs then. */
  readonly dumpLogsOnFailure?: boolean
}

interface Seat {
  readonly name: string
  readonly clientPort: number
  readonly peerPort: number
  readonly dataDir: string
  process: ChildProcess | null
  log: string
}

export class TestCluster {
  readonly root: string
  readonly seats: readonly Seat[]
  readonly client: Client
  /** PBFT: whom a client of this cluster believes. */
  readonly trust: ClusterKeys | null
  readonly #options: ClusterOptions

  private constructor(root: string, seats: readonly Seat[], options: ClusterOptions) {
    this.root = root
    this.seats = seats
    this.#options = options
    this.trust = options.protocol === 'pbft' ? makeKeys(root, seats) : null
    this.client = this.newClient({ commandTimeoutMs: 10_000 })
  }

  /** Of all nodes; over PBFT one that believes f+1 of them. */
  newClient(options: Partial<ClientOptions> = {}): Client {
    const pbft = this.trust === null ? {} : { pbft: { cluster: this.trust } }
    return new Client({ endpoints: this.endpoints, ...pbft, ...options })
  }

  /** Starts all nodes and waits until one leads. Ends with its test: call `close` in a finally. */
  static async start(options: ClusterOptions = {}): Promise<TestCluster> {
    const root = await mkdtemp(join(tmpdir(), 'quorate-test-'))
    const count = options.nodes ?? (options.protocol === 'pbft' ? 4 : 3)
    const ports = await freePorts(2 * count)
    const seats = Array.from({ length: count }, (_, i) => ({
      name: `n${i + 1}`,
      clientPort: ports[2 * i]!,
      peerPort: ports[2 * i + 1]!,
      dataDir: join(root, `n${i + 1}`),
      process: null,
      log: '',
    }))
    const cluster = new TestCluster(root, seats, options)
    if (options.dumpLogsOnFailure !== false) onTestFailed(() => cluster.dumpLogs())
    for (const seat of seats) cluster.startNode(seat.name)
    await cluster.leader()
    return cluster
  }

  get endpoints(): string[] {
    return this.seats.map((seat) => endpointOf(seat))
  }

  seat(name: string): Seat {
    const seat = this.seats.find((one) => one.name === name)
    if (seat === undefined) throw new Error(`no node ${name}`)
    return seat
  }

  endpoint(name: string): string {
    return endpointOf(this.seat(name))
  }

  startNode(name: string): void {
    const seat = this.seat(name)
    const cluster = this.seats.map((one) => `${one.name}=http://127.0.0.1:${one.peerPort}`)
    const election = this.#options.electionTimeoutMs ?? 400
    const child = spawn(
      process.execPath,
      [
        MAIN,
        'serve',
        ...['--name', seat.name],
        ...['--data-dir', seat.dataDir],
        ...['--listen-client-urls', `http://127.0.0.1:${seat.clientPort}`],
        ...['--listen-peer-urls', `http://127.0.0.1:${seat.peerPort}`],
        ...['--initial-cluster', cluster.join(',')],
        ...['--election-timeout', String(election)],
        ...['--heartbeat-interval', String(Math.max(20, Math.round(election / 10)))],
        ...(this.#options.faultInjection === false ? [] : ['--enable-fault-injection']),
        ...(this.trust === null ? [] : keyFlags(this.root, seat.name)),
        ...(this.#options.extraFlags ?? []),
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    )
    seat.process = child
    const keep = (chunk: Buffer) => {
      seat.log = (seat.log + chunk.toString()).slice(-200_000)
    }
    child.stdout?.on('data', keep)
    child.stderr?.on('data', keep)
    child.on('exit', (code, signal) => {
      seat.log += `\n[exit code ${code} signal ${signal}]\n`
      if (seat.process === child) seat.process = null
    })
  }

  /** Sends a signal and, if the node ends by it, waits for the end; gives its exit code. */
  async stopNode(name: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    const child = this.seat(name).process
    if (child === null) return null
    const code = exitOf(child)
    child.kill(signal)
    return await code
  }

  /** Waits for a node that ends by itself. */
  async exit(name: string): Promise<number | null> {
    const child = this.seat(name).process
    return child === null ? null : await exitOf(child)
  }

  signal(name: string, signal: NodeJS.Signals): void {
    this.seat(name).process?.kill(signal)
  }

  /** Of the nodes that answer. */
  async status(names = this.seats.map((seat) => seat.name)): Promise<StatusResponse[]> {
    const asked = names.map((name) =>
      this.client.status(this.endpoint(name), { timeoutMs: STATUS_TIMEOUT_MS }).catch(() => null),
    )
    return (await Promise.all(asked)).filter((status) => status !== null)
  }

  async statusOf(name: string): Promise<StatusResponse | null> {
    return (await this.status([name]))[0] ?? null
  }

  /** The one node that leads in the highest term anybody reports, once the live nodes agree on it. */
  async leader(among = this.seats.map((seat) => seat.name)): Promise<string> {
    return await this.#leading(among, 0)
  }

  /** Over PBFT, once a quorum agrees: one that left its view alone is out of it until the next. */
  async primary(): Promise<string> {
    const names = this.seats.map((seat) => seat.name)
    return await this.#leading(names, faultsMax(names.length))
  }

  async #leading(among: readonly string[], others: number): Promise<string> {
    return await this.until(`a leader among ${among.join(', ')}`, async () => {
      const all = await this.status([...among])
      const leader = all
        .filter(({ role, formed }) => formed && (role === 'leader' || role === 'primary'))
        .sort((a, b) => b.term - a.term)[0]
      if (leader === undefined) return null
      const live = among.filter((name) => this.seat(name).process !== null).length
      const followers = all.filter((status) => status.leader === leader.name).length
      return followers >= live - others && followers > this.seats.length / 2 ? leader.name : null
    })
  }

  /** Waits until these nodes have applied the same log and hold the same state; gives the state's hash. */
  async converged(names = this.seats.map((seat) => seat.name)): Promise<string> {
    return await this.until(`equal state on ${names.join(', ')}`, async () => {
      const all = await this.status(names)
      const first = all[0]
      if (first === undefined || all.length !== names.length) return null
      const same = all.every(
        (one) =>
          one.stateHash === first.stateHash &&
          one.appliedIndex === first.appliedIndex &&
          one.lastIndex === one.appliedIndex,
      )
      return same ? first.stateHash : null
    })
  }

  /** Polls a question until it has an answer; the hard limit ends it with what was asked. */
  async until<T>(what: string, ask: () => Promise<T | null>): Promise<T> {
    const end = Date.now() + WAIT_MS
    for (;;) {
      const answer = await ask()
      if (answer !== null) return answer
      if (Date.now() > end) throw new Error(`waited ${WAIT_MS} ms for ${what}`)
      await new Promise((done) => setTimeout(done, POLL_MS))
    }
  }

  /** Every node runs, hears the others, and has what they have; what was logged so far is forgotten. */
  async restore(): Promise<void> {
    for (const seat of this.seats) {
      seat.log = ''
      if (seat.process === null) this.startNode(seat.name)
    }
    await this.until('an answer of every node', async () =>
      (await this.status()).length === this.seats.length ? true : null,
    )
    const injects = this.#options.faultInjection !== false
    for (const endpoint of injects ? this.endpoints : [])
      await this.client.setPartition(endpoint, [])
    await this.converged()
  }

  async close(): Promise<void> {
    this.client.close()
    await Promise.all(this.seats.map((seat) => this.stopNode(seat.name)))
    await rm(this.root, { recursive: true, force: true })
  }

  dumpLogs(): void {
    for (const seat of this.seats)
      console.error(`---- ${seat.name} ----\n${seat.log.split('\n').slice(-60).join('\n')}`)
  }
}

export interface RunningGateway {
  readonly endpoint: string
  close(): Promise<void>
}

/** `quorate gateway` over the cluster in this folder; resolves once f+1 replicas have answered it. */
export async function startGateway(root: string, keyFile: string): Promise<RunningGateway> {
  const files = ['--cluster-file', join(root, CLUSTER_FILE), '--client-key-file', keyFile]
  // As patient as the clients of these tests are: the machine may have more to do.
  const flags = ['--listen', '127.0.0.1:0', '--command-timeout', '20s']
  const child = spawn(process.execPath, [MAIN, 'gateway', ...files, ...flags], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const close = async () => {
    const code = exitOf(child)
    child.kill('SIGTERM')
    await code
  }
  let told = ''
  const ready = new Promise<string>((done, fail) => {
    child.stderr.on('data', (chunk: Buffer) => {
      told += chunk.toString()
      const line = told.split('\n').find((one) => one.includes('ready to serve client requests'))
      if (line?.endsWith('}') === true) done(JSON.parse(line).client)
    })
    child.once('exit', () => fail(new Error(`the gateway ended: ${told}`)))
    setTimeout(() => fail(new Error(`the gateway is not ready: ${told}`)), WAIT_MS).unref()
  })
  try {
    return { endpoint: await ready, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** As `quorate dev` makes them, in the cluster's folder. */
function makeKeys(root: string, seats: readonly Seat[]): ClusterKeys {
  const nodes = seats.map(({ name, clientPort, peerPort }) => ({ name, clientPort, peerPort }))
  const cluster = withKeys(root, { version: 1, protocol: 'pbft', token: 'test', nodes })
  writeCluster(root, cluster)
  return readClusterFile(join(root, CLUSTER_FILE))
}

function keyFlags(root: string, name: string): string[] {
  return [
    ...['--protocol', 'pbft'],
    ...['--cluster-file', join(root, CLUSTER_FILE)],
    ...['--key-file', keyFileOf(root, name)],
    ...['--front-door-key-file', keyFileOf(root, frontDoorOf(name))],
  ]
}

function endpointOf(seat: Seat): string {
  return `127.0.0.1:${seat.clientPort}`
}

function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode)
  return new Promise((done) => child.once('exit', (code) => done(code)))
}

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the CLI as a person would. */
export function quorate(
  args: readonly string[],
  options: { readonly input?: string; readonly cwd?: string; readonly timeoutMs?: number } = {},
): Promise<Ran> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [MAIN, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: options.cwd,
    })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString()
    })
    const limit = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? WAIT_MS)
    child.on('close', (code) => {
      clearTimeout(limit)
      done({ code, stdout, stderr })
    })
    child.stdin.on('error', () => {})
    child.stdin.end(options.input ?? '')
  })
}
