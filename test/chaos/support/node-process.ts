/** One real `quorate serve` process, started again as often as wanted: its log, and every way in which it ended. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs'
import { dirname, resolve } from 'node:path'

const MAIN = resolve(import.meta.dirname, '../../../dist/cli/main.js')

/** After SIGTERM a node has 10 s; one that was starved of processor time gets some more. */
const EXIT_MS_MAX = 60_000

export interface Ending {
  readonly node: string
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** Codes that whoever made it end had asked for; empty: it ended by itself. */
  readonly wanted: readonly (number | null)[]
}

export interface NodePlace {
  readonly name: string
  readonly clientPort: number
  readonly peerPort: number
  dataDir: string
  readonly logFile: string
  readonly flags: readonly string[]
}

export class NodeProcess {
  readonly place: NodePlace
  readonly endings: Ending[] = []
  readonly #log: WriteStream
  #child: ChildProcess | null = null
  #wanted: readonly (number | null)[] = []
  #starts = 0
  paused = false

  constructor(place: NodePlace) {
    this.place = place
    mkdirSync(dirname(place.logFile), { recursive: true })
    this.#log = createWriteStream(place.logFile, { flags: 'a' })
  }

  get name(): string {
    return this.place.name
  }

  get endpoint(): string {
    return `127.0.0.1:${this.place.clientPort}`
  }

  get pid(): number | null {
    return this.#child?.pid ?? null
  }

  /** A process is there, be it stopped. */
  get alive(): boolean {
    return this.#child !== null
  }

  get answers(): boolean {
    return this.alive && !this.paused
  }

  get starts(): number {
    return this.#starts
  }

  /** `wrapper`: a program that runs the node, such as fiu-run. */
  start(wrapper: readonly string[] = []): void {
    if (this.#child !== null) throw new Error(`${this.name} runs already`)
    const { name, dataDir, clientPort, peerPort, flags } = this.place
    const command = [
      ...wrapper,
      process.execPath,
      ...[MAIN, 'serve', '--name', name, '--data-dir', dataDir],
      ...['--listen-client-urls', `http://127.0.0.1:${clientPort}`],
      ...['--listen-peer-urls', `http://127.0.0.1:${peerPort}`],
      ...flags,
    ]
    const [program = '', ...args] = command
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    this.#starts++
    this.#wanted = []
    this.paused = false
    child.stdout?.pipe(this.#log, { end: false })
    child.stderr?.pipe(this.#log, { end: false })
    child.on('exit', (code, signal) => {
      this.endings.push({ node: name, code, signal, wanted: this.#wanted })
      this.#log.write(`[exit code ${code} signal ${signal}]\n`)
      this.#child = null
      this.paused = false
    })
  }

  /** Ends it and waits until it has; a code other than `wanted` is found by the verdict. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child
    if (child === null) return
    this.#wanted = signal === 'SIGKILL' ? [null] : [0]
    const ended = this.exited()
    child.kill(signal)
    if (this.paused) child.kill('SIGCONT')
    await ended
  }

  /** From now on it may end by itself with one of these codes. */
  mayExit(...codes: readonly number[]): void {
    this.#wanted = codes
  }

  /** Waits for it to end by itself. */
  exited(): Promise<void> {
    const child = this.#child
    if (child === null) return Promise.resolve()
    return new Promise((done, fail) => {
      const limit = setTimeout(
        () => fail(new Error(`${this.name} did not end within ${EXIT_MS_MAX} ms`)),
        EXIT_MS_MAX,
      )
      child.once('exit', () => {
        clearTimeout(limit)
        done()
      })
    })
  }

  pause(): void {
    this.#child?.kill('SIGSTOP')
    this.paused = this.#child !== null
  }

  resume(): void {
    this.#child?.kill('SIGCONT')
    this.paused = false
  }

  async closeLog(): Promise<void> {
    await new Promise<void>((done) => this.#log.end(() => done()))
  }
}
