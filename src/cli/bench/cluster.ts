/** Three nodes, or four over PBFT, as processes of their own, on free ports, in a folder that is removed when they end. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '../../client/client.js'
import type { ClientOptions } from '../../client/options.js'
import { type PbftTrust, replyKeyring } from '../../client/pbft/meeting.js'
import { readClusterFile } from '../../crypto/cluster-file.js'
import type { StatusResponse } from '../../gen/quorate/v1/quorate.js'
import { Child, type Death } from '../dev/child.js'
import { CLUSTER_FILE, endpointOf, planCluster, writeCluster } from '../dev/folder.js'
import { withKeys } from '../dev/keys.js'
import { pickPorts } from '../dev/ports.js'
import { CliError, EXIT } from '../errors.js'

export type BenchProtocol = 'raft' | 'pbft'

const NODES = { raft: 3, pbft: 4 } as const
/** Until the cluster has to be led. */
const READY_MS_MAX = 20_000
const STOP_MS_MAX = 3_000
/** Between two looks at nodes that start. */
const LOOK_MS = 50

export class BenchCluster {
  readonly protocol: BenchProtocol
  /** For clients of this cluster: over PBFT those that believe f+1 of its replicas. */
  readonly clientOptions: ClientOptions
  readonly dir: string
  readonly #children: Child[]
  readonly #client: Client
  readonly #dead: { name: string; how: string; lastWords: string }[] = []
  #onDown: () => void = () => {}

  private constructor(
    { dir, protocol }: { readonly dir: string; readonly protocol: BenchProtocol },
    children: Child[],
    clientOptions: ClientOptions,
  ) {
    this.protocol = protocol
    this.dir = dir
    this.#children = children
    this.clientOptions = clientOptions
    this.#client = new Client(clientOptions)
  }

  get endpoints(): readonly string[] {
    return this.clientOptions.endpoints
  }

  static async start(protocol: BenchProtocol, parentDir: string | null): Promise<BenchCluster> {
    const dir = mkdtempSync(join(parentDir ?? tmpdir(), 'quorate-bench-'))
    const nodes = NODES[protocol]
    const flags = { dataDir: dir, protocol, nodes, basePort: 0, restart: false }
    const plan = withKeys(dir, planCluster(flags, null, await pickPorts(2 * nodes)))
    writeCluster(dir, plan)
    const children: Child[] = []
    const cluster = new BenchCluster({ dir, protocol }, children, {
      endpoints: plan.nodes.map(endpointOf),
      ...(protocol === 'pbft' ? { pbft: trustIn(dir) } : {}),
    })
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
      // Q of them have formed and answer; the last one's port may open only now.
      await cluster.#allAnswer(performance.now() + READY_MS_MAX)
    } catch (error) {
      const words = children.flatMap((child) => child.lastLines(2)).join('; ')
      cluster.end()
      const why = error instanceof Error ? error.message : String(error)
      throw new CliError(EXIT.unavailable, `the cluster under test did not start: ${why} ${words}`)
    }
    return cluster
  }

  async #allAnswer(deadline: number): Promise<void> {
    for (;;) {
      try {
        await this.status()
        return
      } catch (error) {
        if (performance.now() > deadline || this.#dead.length > 0) throw error
        await sleep(LOOK_MS)
      }
    }
  }

  /** Every node's word on itself. Throws when one has died: what was measured would mean nothing. */
  async status(): Promise<StatusResponse[]> {
    const [dead] = this.#dead
    if (dead !== undefined)
      throw new CliError(
        EXIT.generic,
        `${dead.name} died under the load (${dead.how}), so what was measured is void: ${dead.lastWords}`,
      )
    return await Promise.all(
      this.clientOptions.endpoints.map((endpoint) => this.#client.status(endpoint)),
    )
  }

  /** The store's revision, confirmed by a quorum. */
  async revision(): Promise<number> {
    const { header } = await this.#client.range('a', {
      countOnly: true,
      timeoutMs: READY_MS_MAX,
    })
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

/** Clients of one process verify a batch's seal once, as clients of one machine could. */
function trustIn(dir: string): PbftTrust {
  const cluster = readClusterFile(join(dir, CLUSTER_FILE))
  return { cluster, keyring: replyKeyring(cluster) }
}
