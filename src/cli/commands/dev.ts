/** `dev`: a whole cluster on loopback, watched and mended until it is told to stop. */
import { join, resolve } from 'node:path'
import type { PbftTrust } from '../../client/index.js'
import { Child, type Death } from '../dev/child.js'
import {
  CLUSTER_FILE,
  type Cluster,
  type DevFlags,
  endpointOf,
  makeFolder,
  planCluster,
  readCluster,
  writeCluster,
} from '../dev/folder.js'
import { withKeys } from '../dev/keys.js'
import { pickPorts, requireFree } from '../dev/ports.js'
import { newRestarts, onDeath } from '../dev/restarts.js'
import { ClusterWatch, type Leadership } from '../dev/watch.js'
import { CliError, EXIT } from '../errors.js'
import { print } from '../output.js'
import { DEFAULT_ENDPOINTS } from '../program/options.js'

/** npm passes a Ctrl-C on, so that it comes twice: signals so close together are one. */
const SIGNALS_ARE_ONE_MS = 500
/** Until a node that was asked to stop is ended. */
const STOP_MS_MAX = 10_000
const LAST_LINES = 10
/** A cluster is led after some two seconds; when it is not by then, its user is told where to look. */
const PATIENCE_MS = 15_000

/** Ends when it is told to, or throws CliError when the cluster cannot go on. */
export async function dev(flags: DevFlags): Promise<void> {
  const dir = resolve(flags.dataDir)
  const found = readCluster(dir)
  // Checked before ports are picked, so that a refusal touches nothing.
  const first = planCluster(flags, found, flags.basePort === 0 ? Array(18).fill(1) : null)
  const picked = flags.basePort === 0 ? await pickPorts(2 * first.nodes.length) : null
  const planned = planCluster(flags, found, picked)
  await requireFree(planned)
  makeFolder(dir)
  const cluster = withKeys(dir, planned)
  writeCluster(dir, cluster)
  if (cluster.protocol === 'raft' && cluster.nodes.length % 2 === 0)
    process.stderr.write(
      `quorate: ${cluster.nodes.length} nodes survive no more failures than ${cluster.nodes.length - 1}: prefer an odd number\n`,
    )
  await new DevCluster(dir, cluster, flags.restart).run()
}

class DevCluster {
  readonly #dir: string
  readonly #cluster: Cluster
  readonly #restart: boolean
  readonly #children: Child[] = []
  readonly #timers = new Set<NodeJS.Timeout>()
  #watch: ClusterWatch | null = null
  #stopping = false
  #ready = false
  #failure: CliError | null = null
  #finish: () => void = () => {}

  constructor(dir: string, cluster: Cluster, restart: boolean) {
    this.#dir = dir
    this.#cluster = cluster
    this.#restart = restart
  }

  async run(): Promise<void> {
    const finished = new Promise<void>((resolve) => {
      this.#finish = resolve
    })
    this.#takeSignals()
    for (const seat of this.#cluster.nodes) this.#children.push(this.#makeChild(seat))
    for (const child of this.#children) child.start()
    const endpoints = this.#children.map((child) => child.endpoint)
    const { protocol } = this.#cluster
    const trust = protocol === 'pbft' ? await trustIn(this.#dir) : null
    this.#watch = new ClusterWatch(endpoints, (leader) => this.#onLeader(leader), trust)
    const impatient = setTimeout(() => this.#tellWaiting(), PATIENCE_MS)
    await finished
    clearTimeout(impatient)
    for (const child of this.#children) child.close()
    if (this.#failure !== null) throw this.#failure
  }

  #makeChild(seat: Cluster['nodes'][number]): Child {
    const restarts = newRestarts()
    const child: Child = new Child({
      dir: this.#dir,
      cluster: this.#cluster,
      seat,
      onDeath: (death) => {
        if (this.#stopping) this.#finishIfDown()
        else this.#mourn(child, death, onDeath(restarts, performance.now(), death.livedMs))
      },
    })
    return child
  }

  #mourn(child: Child, death: Death, delayMs: number | null): void {
    const { name } = child.seat
    const how = death.signal ?? `exit code ${death.code}`
    const log = `${this.#dir}/${name}/quorate.log`
    const lasting = death.code !== null && LASTING.includes(death.code)
    if (lasting || !this.#restart) {
      const last = child.lastLines(1)[0]?.replace(/^quorate: /, '') ?? 'see its log'
      const why = lasting ? `: ${last}` : ''
      print(`quorate: ${name} ended (${how})${why}; it stays down, log: ${log}`)
      if (this.#children.every((one) => !one.running) && this.#timers.size === 0)
        this.#fail(death.code ?? EXIT.generic, 'no node is left')
      return
    }
    if (delayMs === null) {
      for (const line of child.lastLines(LAST_LINES)) process.stderr.write(`${name}: ${line}\n`)
      this.#fail(
        EXIT.generic,
        `${name} died five times within 10 s (${how}): its last lines are above, its log is ${log}`,
      )
      return
    }
    print(`quorate: ${name} died (${how}); starting it again in ${delayMs} ms`)
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      child.start()
      print(`quorate: ${name} started again, pid ${child.pid ?? '?'}`)
    }, delayMs)
    this.#timers.add(timer)
  }

  #onLeader({ leader, term }: Leadership): void {
    if (this.#stopping) return
    const { nodes, protocol } = this.#cluster
    const leads =
      protocol === 'pbft' ? `${leader} is primary (view ${term})` : `${leader} leads (term ${term})`
    if (this.#ready) {
      print(`quorate: ${leads}`)
      return
    }
    this.#ready = true
    const count = nodes.length === 1 ? '1 node' : `${nodes.length} nodes`
    print(`quorate: cluster ready: ${count} on ${protocol}, ${leads}`)
    for (const child of this.#children)
      print(`  ${child.seat.name}  ${child.endpoint}  pid ${child.pid ?? '-'}`)
    print(`  data in ${this.#dir}`)
    print(`  try, in a second terminal:`)
    for (const line of suggestions(this.#dir, this.#cluster)) print(`    ${line}`)
  }

  #tellWaiting(): void {
    if (this.#ready || this.#stopping) return
    const down = this.#children.filter((child) => !child.running).map((child) => child.seat.name)
    const who = down.length === 0 ? 'all nodes are up' : `${down.join(', ')} down`
    print(
      `quorate: no leader after ${PATIENCE_MS / 1_000} s (${who}); logs: ${this.#dir}/*/quorate.log`,
    )
  }

  #fail(exitCode: number, message: string): void {
    this.#failure ??= new CliError(exitCode, message)
    this.#stop()
  }

  #takeSignals(): void {
    let firstAt: number | null = null
    const onSignal = () => {
      const now = performance.now()
      if (firstAt !== null && now - firstAt > SIGNALS_ARE_ONE_MS) {
        for (const child of this.#children) child.kill()
        process.exit(EXIT.interrupted)
      }
      firstAt ??= now
      this.#stop()
    }
    process.removeAllListeners('SIGINT')
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
  }

  #stop(): void {
    if (this.#stopping) return
    this.#stopping = true
    this.#watch?.close()
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
    for (const child of this.#children) child.stop()
    setTimeout(() => {
      for (const child of this.#children) child.kill()
    }, STOP_MS_MAX).unref()
    this.#finishIfDown()
  }

  #finishIfDown(): void {
    if (this.#children.every((child) => !child.running)) this.#finish()
  }
}

/** The keys that this cluster was made with: nobody needs to be trusted at first use. */
async function trustIn(dir: string): Promise<PbftTrust> {
  const { readClusterFile } = await import('../../crypto/cluster-file.js')
  return { cluster: readClusterFile(join(dir, CLUSTER_FILE)) }
}

/** Starting again would end the same way: its flags, its place in the cluster, its data or its disk are refused. */
const LASTING: readonly number[] = [EXIT.usage, EXIT.unavailable, EXIT.dataRefused, EXIT.disk]

function suggestions(dir: string, cluster: Cluster): string[] {
  const endpoints = cluster.nodes.map(endpointOf).join(',')
  const flag = endpoints === DEFAULT_ENDPOINTS ? '' : ` --endpoints ${endpoints}`
  // In a clone, started by npm, nothing is on the PATH.
  const command = process.env['npm_lifecycle_event'] === undefined ? 'quorate' : 'npx quorate'
  const [first, ...others] = cluster.nodes.map((seat) => seat.name)
  const keys = cluster.protocol === 'pbft' ? ` --cluster-file ${join(dir, CLUSTER_FILE)}` : ''
  const lines = [
    `${command} put hello world${keys || flag}`,
    `${command} get hello${keys || flag}`,
    `${command} status${flag}`,
  ]
  if (others.length > 0) lines.push(`${command} partition ${first} ${others.join(',')}${flag}`)
  return lines
}
