/** A cluster of real etcd (Debian's etcd-server) on free ports of loopback: the rival of a bench, the oracle of a test. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '../../rpc/channel.js'
import { etcdMaintenance } from '../../rpc/etcd-services.js'
import { HOST } from '../dev/folder.js'
import { pickPorts } from '../dev/ports.js'
import { CliError, EXIT } from '../errors.js'

/** Until the cluster has to be led. */
const READY_MS_MAX = 20_000
/** Between two looks: etcd tells nobody by itself that it is led. */
const POLL_MS = 50
const LOG_CHARS_MAX = 20_000

interface EtcdSeat {
  readonly name: string
  readonly clientPort: number
  readonly peerPort: number
}

export class EtcdCluster {
  readonly endpoints: readonly string[]
  readonly #dir: string
  readonly #seats: readonly EtcdSeat[]
  readonly #children = new Map<string, ChildProcess>()
  #log = ''

  private constructor(dir: string, seats: readonly EtcdSeat[]) {
    this.#dir = dir
    this.#seats = seats
    this.endpoints = seats.map((seat) => `${HOST}:${seat.clientPort}`)
  }

  /** Throws CliError where etcd is not installed, or is not led in time. `parentDir`: for its data; null: the system's. */
  static async start(parentDir: string | null = null, nodes = 3): Promise<EtcdCluster> {
    const ports = await pickPorts(2 * nodes)
    const seats = Array.from({ length: nodes }, (_, i) => ({
      name: `e${i + 1}`,
      clientPort: ports[2 * i] ?? 0,
      peerPort: ports[2 * i + 1] ?? 0,
    }))
    const dir = mkdtempSync(join(parentDir ?? tmpdir(), 'quorate-etcd-'))
    const cluster = new EtcdCluster(dir, seats)
    try {
      await Promise.all(seats.map((seat) => cluster.startNode(seat.name)))
      for (const endpoint of cluster.endpoints) await cluster.#led(endpoint)
    } catch (error) {
      await cluster.close()
      throw error
    }
    return cluster
  }

  /** Starts a member, again after `stopNode`. */
  startNode(name: string): Promise<void> {
    const seat = this.#seat(name)
    const peers = this.#seats.map((one) => `${one.name}=http://${HOST}:${one.peerPort}`)
    const clientUrl = `http://${HOST}:${seat.clientPort}`
    const peerUrl = `http://${HOST}:${seat.peerPort}`
    const child = spawn(
      'etcd',
      [
        ...['--name', name, '--data-dir', join(this.#dir, name)],
        ...['--listen-client-urls', clientUrl, '--advertise-client-urls', clientUrl],
        ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
        ...['--initial-cluster', peers.join(','), '--initial-cluster-state', 'new'],
        ...['--logger', 'zap'],
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    )
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#log = (this.#log + chunk.toString()).slice(-LOG_CHARS_MAX)
    })
    this.#children.set(name, child)
    return new Promise((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', (error) => {
        this.#children.delete(name)
        const next = 'install it: apt-get install etcd-server'
        reject(new CliError(EXIT.usage, `etcd cannot be started: ${error.message} (${next})`))
      })
    })
  }

  async stopNode(name: string): Promise<void> {
    const child = this.#children.get(name)
    if (child === undefined) return
    this.#children.delete(name)
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }

  /** Ends all at once and removes their data. */
  async close(): Promise<void> {
    await Promise.all(this.#seats.map((seat) => this.stopNode(seat.name)))
    this.#remove()
  }

  /** As `close`, for whoever cannot wait: the process ends. */
  end(): void {
    for (const child of this.#children.values()) child.kill('SIGKILL')
    this.#remove()
  }

  #remove(): void {
    rmSync(this.#dir, { recursive: true, force: true, maxRetries: 3 })
  }

  #seat(name: string): EtcdSeat {
    const seat = this.#seats.find((one) => one.name === name)
    if (seat === undefined) throw new Error(`no member ${name}`)
    return seat
  }

  async #led(endpoint: string): Promise<void> {
    const channel = connect(endpoint)
    const end = performance.now() + READY_MS_MAX
    try {
      for (;;) {
        const leader = await channel.unary(etcdMaintenance.status, {}, { timeoutMs: 1_000 }).then(
          (status) => status.leader,
          () => '0',
        )
        if (leader !== '0') return
        if (performance.now() > end) {
          const why = this.#log.split('\n').slice(-3).join('; ')
          throw new CliError(EXIT.unavailable, `etcd at ${endpoint} is not led: ${why}`)
        }
        await new Promise((resolve) => setTimeout(resolve, POLL_MS))
      }
    } finally {
      channel.close()
    }
  }
}
