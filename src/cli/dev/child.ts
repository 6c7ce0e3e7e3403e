/** One node of a development cluster: a `quorate serve` of its own, whose life hangs on ours. */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CLUSTER_FILE, type Cluster, endpointOf, HOST, type Seat } from './folder.js'
import { frontDoorOf, keyFileOf } from './keys.js'
import { LogFile } from './log-file.js'

export interface Death {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly livedMs: number
}

export interface ChildOptions {
  readonly dir: string
  readonly cluster: Cluster
  readonly seat: Seat
  readonly onDeath: (death: Death) => void
}

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url))

export class Child {
  readonly seat: Seat
  readonly #options: ChildOptions
  readonly #log: LogFile
  #process: ChildProcess | null = null

  constructor(options: ChildOptions) {
    this.seat = options.seat
    this.#options = options
    const dataDir = join(options.dir, options.seat.name)
    mkdirSync(dataDir, { recursive: true })
    this.#log = new LogFile(join(dataDir, 'quorate.log'))
  }

  get endpoint(): string {
    return endpointOf(this.seat)
  }

  get pid(): number | null {
    return this.#process?.pid ?? null
  }

  get running(): boolean {
    return this.#process !== null
  }

  lastLines(count: number): string[] {
    return this.#log.lastLines(count)
  }

  start(): void {
    const bornAt = performance.now()
    const child = fork(MAIN, serveArguments(this.#options), {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: [],
      // The cluster is what cluster.json says, not what our environment would add to it.
      env: withoutQuorate(process.env),
    })
    this.#process = child
    child.stderr?.on('data', (chunk: Buffer) => this.#log.write(chunk))
    const died = (code: number | null, signal: NodeJS.Signals | null) => {
      if (this.#process === child) this.#process = null
      this.#options.onDeath({ code, signal, livedMs: performance.now() - bornAt })
    }
    // Once its last words are in the log, too. (`close` of the child never comes after a disconnect.)
    child.once('exit', (code, signal) => {
      if (child.stderr?.closed !== false) died(code, signal)
      else child.stderr.once('close', () => died(code, signal))
    })
    // It could not be started, or not be told: the first has no `exit`.
    child.on('error', (error) => {
      this.#log.write(Buffer.from(`${error.message}\n`))
      if (child.pid === undefined) died(null, null)
    })
  }

  /** Closing the channel asks it to end; a signal too would count as a second Ctrl-C. */
  stop(): void {
    const child = this.#process
    if (child?.connected === true) child.disconnect()
  }

  kill(): void {
    this.#process?.kill('SIGKILL')
  }

  close(): void {
    this.#log.close()
  }
}

function serveArguments({ dir, cluster, seat }: ChildOptions): string[] {
  const members = cluster.nodes.map((one) => `${one.name}=http://${HOST}:${one.peerPort}`)
  return [
    'serve',
    ...['--name', seat.name],
    ...['--data-dir', join(dir, seat.name)],
    ...['--listen-client-urls', `http://${HOST}:${seat.clientPort}`],
    ...['--listen-peer-urls', `http://${HOST}:${seat.peerPort}`],
    ...['--initial-cluster', members.join(',')],
    ...['--initial-cluster-token', cluster.token],
    ...['--protocol', cluster.protocol],
    ...(cluster.protocol === 'pbft' ? keyArguments(dir, seat.name) : []),
    '--enable-fault-injection',
  ]
}

function keyArguments(dir: string, name: string): string[] {
  return [
    ...['--cluster-file', join(dir, CLUSTER_FILE)],
    ...['--key-file', keyFileOf(dir, name)],
    ...['--front-door-key-file', keyFileOf(dir, frontDoorOf(name))],
  ]
}

function withoutQuorate(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('QUORATE_')))
}
