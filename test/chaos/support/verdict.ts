/** What must hold when all is over, whatever was done to the cluster. */
import { readFileSync } from 'node:fs'
import { quorate } from '../../process/support/cluster.js'
import type { ChaosCluster } from './cluster.js'
import type { History } from './history.js'
import { judgeLists } from './lists.js'
import type { Ending } from './node-process.js'

/** Until the checker gives up. */
const CHECK_MS_MAX = 120_000
/** Equal state after healing; followers may need a snapshot first. */
const CONVERGENCE_MS_MAX = 60_000

/** What a node logs, or Node prints, when something happened that nobody foresaw. */
const UNFORESEEN = [
  /"level":60/,
  /^\s+at .+\(.+:\d+:\d+\)/m,
  /uncaught|unhandled/i,
  /\b(Type|Range|Reference|Assertion)Error\b/,
]

export function judgeEndings(endings: readonly Ending[]): string[] {
  return endings
    .filter(({ code, wanted }) => !wanted.includes(code))
    .map(({ node, code, signal, wanted }) => {
      const due = wanted.length === 0 ? 'nobody asked for it' : `due was ${wanted.join(' or ')}`
      return `${node} ended with code ${code} signal ${signal}: ${due}`
    })
}

export function judgeLog(name: string, log: string): string[] {
  const lines = log.split('\n')
  return UNFORESEEN.flatMap((pattern) => {
    const line = lines.find((one) => pattern.test(one))
    return line === undefined ? [] : [`${name} logged: ${line.slice(0, 400)}`]
  })
}

/** The cluster as a person would ask it: every node answers, and all have the same state. */
async function judgeHashes(cluster: ChaosCluster): Promise<string[]> {
  await cluster.converged(CONVERGENCE_MS_MAX)
  const endpoints = cluster.nodes.map((node) => node.endpoint).join(',')
  const ran = await quorate(['status', '--json', '--endpoints', endpoints])
  if (ran.code !== 0) return [`status ended with ${ran.code}: ${ran.stderr}`]
  const rows = JSON.parse(ran.stdout) as { name: string | null; stateHash?: string }[]
  const hashes = new Set(rows.map((row) => row.stateHash))
  if (rows.length === cluster.nodes.length && hashes.size === 1) return []
  return [`state hashes differ: ${rows.map((row) => `${row.name} ${row.stateHash}`).join(', ')}`]
}

/** The history as it was written down, through `quorate check`; a verdict that takes too long is a failure too. */
async function judgeHistory(history: History): Promise<string[]> {
  const problems = judgeLists(history.lines)
  const picture = history.path.replace(/\.jsonl$/, '.html')
  const ran = await quorate(
    [
      ...['check', history.path, '--model', 'kv', '--failed-cas', 'observed'],
      ...['--timeout', `${CHECK_MS_MAX}ms`, '--html', picture],
    ],
    { timeoutMs: 3 * CHECK_MS_MAX },
  )
  if (ran.code !== 0) problems.push(`check ended with ${ran.code}: ${ran.stdout}${ran.stderr}`)
  return problems
}

/** Everything that is wrong, one line each. The cluster is healed and runs; clients have stopped. */
export async function judge(cluster: ChaosCluster, history: History): Promise<string[]> {
  const problems = await judgeHashes(cluster)
  problems.push(...(await judgeHistory(history)))
  problems.push(...judgeEndings(cluster.endings))
  for (const node of cluster.nodes)
    problems.push(...judgeLog(node.name, readFileSync(node.place.logFile, 'utf8')))
  return problems
}
