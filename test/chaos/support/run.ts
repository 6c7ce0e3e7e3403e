/** One run: a cluster, its clients, something that breaks it, and the verdict. What failed is kept. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '../../../src/client/index.js'
import { Workload } from './clients.js'
import { ChaosCluster } from './cluster.js'
import { History } from './history.js'
import { read, readList } from './operations.js'
import { judge } from './verdict.js'

/** Of a leader that all follow, after a start or a heal; a busy machine takes seconds, not tens of them. */
export const RECOVERY_MS_MAX = 45_000
/** Of an acknowledged operation after the heal. */
const PROGRESS_MS_MAX = 30_000
/** The last look at a key. */
const FINAL_READ_MS = 30_000
const FINAL_READS_AT_ONCE = 16

export interface Running {
  readonly cluster: ChaosCluster
  readonly workload: Workload
  readonly history: History
  readonly seed: number
}

export interface RunOptions {
  readonly name: string
  readonly nodes: number
  readonly seed: number
  readonly dataDirs?: ReadonlyMap<string, string>
  /** Breaks it; afterwards every node runs and nothing is broken any more. */
  readonly nemesis: (running: Running) => Promise<void>
}

export interface RunReport {
  readonly completed: number
  readonly unknown: number
}

/** Throws with all that is wrong, where the evidence is, and how to run it again. */
export async function chaosRun(options: RunOptions): Promise<RunReport> {
  const base = process.env['CHAOS_DIR'] ?? join(tmpdir(), 'quorate-chaos')
  mkdirSync(base, { recursive: true })
  const root = mkdtempSync(join(base, `${options.name.replaceAll(' ', '-')}-${options.seed}-`))
  const cluster = await ChaosCluster.create(root, options.nodes, options.dataDirs)
  const history = new History(join(root, 'history.jsonl'))
  const workload = new Workload(
    history,
    cluster.nodes.map((node) => node.endpoint),
    options.seed,
  )
  const problems: string[] = []
  try {
    await cluster.startAll(RECOVERY_MS_MAX)
    workload.start()
    await options.nemesis({ cluster, workload, history, seed: options.seed })
    await progress(cluster, workload)
    await workload.stop()
    await readAll(cluster, history)
    await history.close()
    problems.push(...workload.errors.map((error) => `a client: ${error.stack ?? error.message}`))
    problems.push(...(await judge(cluster, history)))
  } catch (error) {
    problems.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
  } finally {
    await workload.stop()
    await cluster.close()
    await history.close()
  }
  const report = { completed: history.completed, unknown: history.counts.info }
  if (problems.length === 0) {
    if (process.env['CHAOS_KEEP'] === undefined) rmSync(root, { recursive: true })
    return report
  }
  const replay = `npm run test:chaos -- --only '${options.name}' --seed ${options.seed} --for ${process.env['CHAOS_FOR_MS']}ms`
  throw new Error(
    [...problems, `evidence: ${root}`, `again: ${replay}`].map((line) => `  ${line}`).join('\n'),
  )
}

/** After the heal every client gets on, wherever it stands. */
async function progress(cluster: ChaosCluster, workload: Workload): Promise<void> {
  const before = workload.acknowledged
  await cluster.until('progress after the heal', PROGRESS_MS_MAX, async () =>
    workload.acknowledged > before + 20 ? true : null,
  )
}

/** What is there in the end, of every key: an acknowledged element that is lost shows here at the latest. */
async function readAll(cluster: ChaosCluster, history: History): Promise<void> {
  const client = new Client({
    endpoints: cluster.nodes.map((node) => node.endpoint),
    commandTimeoutMs: FINAL_READ_MS,
  })
  const keys = [...new Set(history.lines.map((line) => line.key))]
  const look = async (process: number) => {
    for (let key = keys.pop(); key !== undefined; key = keys.pop()) {
      const operation = key.startsWith('l') ? readList(key) : read(key)
      const { f } = operation
      history.add({ process, type: 'invoke', f, key, value: null })
      const { type, value } = await operation.run(client)
      history.add({ process, type, f, key, value })
    }
  }
  try {
    const workers = Array.from({ length: FINAL_READS_AT_ONCE }, (_, i) => look(-1 - i))
    await Promise.all(workers)
  } finally {
    client.close()
  }
}
