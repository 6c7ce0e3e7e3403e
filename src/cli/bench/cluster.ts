/** Three nodes as processes of their own, on free ports, in a folder that is removed when they end. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '../../client/client.js'
import type { StatusResponse } from '../../gen/quorate/v1/quorate.js'
import { Child, type Death } from '../dev/child.js'
import { endpointOf, planCluster } from '../dev/folder.js'
import { pickPorts } from '../dev/ports.js'
import { CliError, EXIT } from '../errors.js'

const NODES = 3
/** Until the cluster has to be led. */
const READY_MS_MAX = 20_000
const STOP_MS_MAX = 3_000

export class BenchCluster {
  readonly endpoints: readonly string[]
  readonly dir: string
  readonly #children: Child[]
  readonly #client: Client
  readonly #dead: { name: string; how: string; lastWords: string }[] = []
  #onDown: () => void = () => {}

  private constructor(dir: string, children: Child[], endpoints: readonly string[]) {
    this.dir = dir
    this.#children = children
    this.endpoints = endpoints
    this.#client = new Client({ endpoints })
  }

  static async start(parentDir: string | null): Promise<BenchCluster> {
    const dir = mkdtempSync(join(parentDir ?? tmpdir(), 'quorate-bench-'))
    const flags = { dataDir: dir, nodes: NODES, basePort: 0, restart: false }
    const plan = planCluster(flags, null, await pickPorts(2 * NODES))
    const children: Child[] = []
    const cluster = new BenchCluster(dir, children, plan.nodes.map(endpointOf))
    for (const seat of plan.nodes) {
      const child: Child = new Child({
        dir,
        cluster: plan,
        seat,
        onDeath: (death) => cluster.#died(child, death),
      })
      children.push(child)
    }
    try {
      for (const child of children) child.start()
      await cluster.#client.range('a', { timeoutMs: READY_MS_MAX })
    } catch (error) {
      const words = children.flatMap((child) => child.lastLines(2)).join('; ')
      cluster.end()
      const why = error instanceof Error ? error.message : String(error)
      throw new CliError(EXIT.unavailable, `the cluster under test did not start: ${why} ${words}`)
    }
    return cluster
  }

  /** Every node's word on itself. Throws when one has died: what was measured would mean nothing. */
  async status(): Promise<StatusResponse[]> {
    const [dead] = this.#dead
    if (dead !== undefined)
      throw new CliError(
        EXIT.generic,
        `${dead.name} died under the load (${dead.how}), so what was measured is void: ${dead.lastWords}`,
      )
    return await Promise.all(this.endpoints.map((endpoint) => this.#client.status(endpoint)))
  }

  /** The store's revision, confirmed by a quorum. */
  async revision(): Promise<number> {
    const { header } = await this.#client.range('a', { countOnly: true })
    return header?.revision ?? 0
  }

  async stop(): Promise<void> {
    this.#client.close()
    const down = new Promise<void>((resolve) => {
      this.#onDown = resolve
    })
    for (const child of this.#children) child.stop()
    const timer = setTimeout(() => {
      for (const child of this.#children) child.kill()
    }, STOP_MS_MAX)
    if (this.#children.some((child) => child.running)) await down
    clearTimeout(timer)
    this.#remove()
  }

  /** At once, whatever they do. */
  end(): void {
    this.#client.close()
    for (const child of this.#children) child.kill()
    this.#remove()
  }

  #died(child: Child, death: Death): void {
    const how = death.signal ?? `exit code ${death.code}`
    const lastWords = child.lastLines(3).join(' ')
    this.#dead.push({ name: child.seat.name, how, lastWords })
    if (this.#children.every((child) => !child.running)) this.#onDown()
  }

  #remove(): void {
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 3 })
  }
}
