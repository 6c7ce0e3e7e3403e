/** `bench`: measures a cluster of its own, and checks that what was acknowledged is what was done. */
import { BenchCluster, type BenchProtocol } from '../bench/cluster.js'
import { hasRepeats, type LoadResult, runLoad } from '../bench/load.js'
import {
  BENCH_HEAD,
  benchCells,
  benchJson,
  type Measured,
  measured,
  workBetween,
} from '../bench/report.js'
import {
  commandOf,
  openLoad,
  PBFT_SCENARIOS,
  SCENARIOS,
  type Scenario,
} from '../bench/scenarios.js'
import { runStreamLoad } from '../bench/stream-load.js'
import { CliError, complain, EXIT, usageError } from '../errors.js'
import { table } from '../format/table.js'
import { note, print, printJson } from '../output.js'
import { progressBar } from '../progress.js'

export interface BenchFlags {
  readonly protocol: BenchProtocol
  readonly seconds?: number
  readonly warmUp?: number
  readonly only?: string
  readonly dir?: string
  readonly json?: boolean
}

const SECONDS = 5
const WARM_UP = 1
/** All of it, cluster included; what is warmed up for longer may take as much longer. */
const BENCH_MS_MAX = 120_000

interface Times {
  readonly warmUpMs: number
  readonly measureMs: number
}

export async function bench(flags: BenchFlags): Promise<number> {
  const scenarios = chosen(flags)
  const times = {
    warmUpMs: (flags.warmUp ?? WARM_UP) * 1_000,
    measureMs: (flags.seconds ?? SECONDS) * 1_000,
  }
  const benchMsMax = BENCH_MS_MAX + scenarios.length * (times.warmUpMs - WARM_UP * 1_000)
  let cluster: BenchCluster | null = null
  const limit = setTimeout(() => {
    complain(`not done within ${benchMsMax / 1_000} s: the measurement is given up`)
    cluster?.end()
    process.exit(EXIT.unknown)
  }, benchMsMax)
  process.removeAllListeners('SIGINT')
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      cluster?.end()
      process.exit(EXIT.interrupted)
    })
  const results: Measured[] = []
  const bar = progressBar('measurements', scenarios.length)
  try {
    for (const scenario of scenarios) {
      if (scenario.protocol !== cluster?.protocol) {
        await cluster?.stop()
        cluster = await BenchCluster.start(scenario.protocol, flags.dir ?? null)
      }
      results.push(await measure(cluster, scenario, times))
      bar?.increment()
      if (bar === null) note(benchCells(results.at(-1) as Measured).join('  '))
    }
  } finally {
    bar?.stop()
    clearTimeout(limit)
    await cluster?.stop()
  }
  print(table(BENCH_HEAD, results.map(benchCells)))
  if (flags.json === true) printJson(benchJson(results))
  return EXIT.ok
}

function chosen({ protocol, only }: BenchFlags): readonly Scenario[] {
  const all = protocol === 'pbft' ? PBFT_SCENARIOS : SCENARIOS
  if (only === undefined) return all
  return only.split(',').map((name) => {
    const scenario = all.find((one) => one.name === name.trim())
    if (scenario !== undefined) return scenario
    const names = all.map((one) => one.name).join(', ')
    throw usageError(`--only: expected some of ${names}, got ${JSON.stringify(name)}`)
  })
}

async function measure(cluster: BenchCluster, scenario: Scenario, times: Times): Promise<Measured> {
  const before = await cluster.status()
  const revisionBefore = await cluster.revision()
  const result = await load(cluster, scenario, times)
  const revisions = scenario.writes ? (await cluster.revision()) - revisionBefore : null
  const after = await cluster.status()
  if (revisions !== null) {
    const { acknowledged, unknown } = result
    // One of unknown outcome may have been done or not; all others are certain.
    if (revisions < acknowledged || revisions > acknowledged + unknown)
      throw new CliError(
        EXIT.generic,
        `${scenario.name}: ${acknowledged} writes were acknowledged (and ${unknown} are unknown), but the revision advanced by ${revisions}`,
      )
    if (hasRepeats(result.revisions) || result.revisions.length !== acknowledged)
      throw new CliError(EXIT.generic, `${scenario.name}: two writes were told the same revision`)
  }
  for (const [kind, count] of result.errors) note(`${scenario.name}: ${count} times ${kind}`)
  return measured(scenario.name, result, revisions, workBetween(before, after))
}

async function load(cluster: BenchCluster, scenario: Scenario, of: Times): Promise<LoadResult> {
  const { concurrency } = scenario
  const times = { concurrency, ...of }
  if (scenario.raw === true) {
    const leader = (await cluster.status()).find((status) => status.role === 'leader')
    if (leader === undefined) throw new CliError(EXIT.unavailable, 'no node leads')
    const command = (n: number) => commandOf(scenario, n)
    return await runStreamLoad({ endpoint: leader.endpoint, ...times, command })
  }
  const opened = openLoad(scenario, cluster.clientOptions)
  try {
    await opened.open()
    return await runLoad({ ...times, operation: opened.operation })
  } finally {
    opened.close()
  }
}
