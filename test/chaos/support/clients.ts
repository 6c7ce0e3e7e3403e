/** Clients that work at the same time, each one operation after the other, until they are told to stop. */
import { nextInt, type RandomState, seededRandom } from '../../../src/base/random.js'
import { Client } from '../../../src/client/index.js'
import type { History } from './history.js'
import { Draw, isUnknown, kindOf, type Operation } from './operations.js'

export const CLIENTS = 10

/** Until an operation is given up, its outcome unknown or certainly none. */
const COMMAND_MS = 3_000
const ATTEMPT_MS = 1_000
/** Between two operations of a client: the rate of the load, not its speed, is what a run is about. */
const PACE_MS = { min: 10, max: 50 } as const

interface Worker {
  readonly client: Client
  readonly next: () => Operation
  process: number
}

export class Workload {
  readonly #history: History
  readonly #random: RandomState
  readonly #draw: Draw
  readonly #workers: Worker[]
  readonly #running: Promise<void>[] = []
  #stopped = false
  /** Operations that were answered with success, ever. */
  acknowledged = 0
  /** What no client should ever see. */
  readonly errors: Error[] = []

  constructor(history: History, endpoints: readonly string[], seed: number) {
    this.#history = history
    this.#random = seededRandom(seed)
    this.#draw = new Draw(this.#random)
    this.#workers = Array.from({ length: CLIENTS }, (_, i) => {
      // Half only read, and know one node only: a write would tell them who leads, and they would follow. So whoever
      // is deposed without knowing it is asked all the while.
      const turn = Math.floor(i / 2)
      const reader = i % 2 === 1
      const own = endpoints[turn % endpoints.length] ?? ''
      const known = reader ? [own] : endpoints
      const client = new Client({
        endpoints: known,
        commandTimeoutMs: COMMAND_MS,
        attemptTimeoutMs: ATTEMPT_MS,
        transport: turn % 2 === 0 ? 'unary' : 'stream',
      })
      const next = () => (reader ? this.#draw.nextRead() : this.#draw.next())
      return { client, next, process: i }
    })
  }

  start(): void {
    for (const worker of this.#workers)
      this.#running.push(
        this.#work(worker).catch((error: unknown) => {
          this.errors.push(error instanceof Error ? error : new Error(String(error)))
        }),
      )
  }

  /** Every operation under way is waited for. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#running)
    for (const { client } of this.#workers) client.close()
  }

  async #work(worker: Worker): Promise<void> {
    while (!this.#stopped) {
      await this.#one(worker, worker.next())
      const ms = nextInt(this.#random, PACE_MS.min, PACE_MS.max)
      await new Promise((done) => setTimeout(done, ms))
    }
  }

  async #one(worker: Worker, operation: Operation): Promise<void> {
    const { f, key, value } = operation
    const { process } = worker
    this.#history.add({ process, type: 'invoke', f, key, value })
    try {
      const result = await operation.run(worker.client)
      this.#history.add({ process, type: result.type, f, key, value: result.value })
      if (result.type === 'ok') this.acknowledged++
    } catch (error) {
      const changes = f !== 'read' && f !== 'get'
      const unknown = isUnknown(error) && changes
      const type = unknown ? 'info' : 'fail'
      this.#history.add({ process, type, f, key, value, error: kindOf(error) })
      // It may yet happen: whoever goes on is somebody else.
      if (unknown) worker.process += CLIENTS
    }
  }
}
