/** What must hold when all is over, whatever was done to the cluster. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { quorate } from '../../process/support/cluster.js'
import type { ChaosCluster } from './cluster.js'
import type { History } from './history.js'
import { judgeLists } from './lists.js'
import type { Ending } from './node-process.js'

/** Until the checker is given up, which is a failure too. */
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

/** The history through `quorate check`, registers and lists each with their model. */
async function judgeHistory(cluster: ChaosCluster, history: History): Promise<string[]> {
  const problems = judgeLists(history.lines)
  for (const [model, names] of MODELS) {
    const path = join(cluster.root, `${model}.jsonl`)
    const lines = history.lines.filter((line) => names.includes(line.f))
    writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
    const ran = await quorate(['check', path, '--model', model], { timeoutMs: CHECK_MS_MAX })
    // Interim: until the checker is there.
    if (ran.stderr.includes('unknown command')) return problems
    if (ran.code !== 0)
      problems.push(`check --model ${model} ended with ${ran.code}: ${ran.stdout}${ran.stderr}`)
  }
  return problems
}

const MODELS: readonly (readonly [model: string, names: readonly string[]])[] = [
  ['cas-register', ['read', 'write', 'cas']],
  ['kv', ['get', 'append']],
]

/** Everything that is wrong, one line each. The cluster is healed and runs; clients have stopped. */
export async function judge(cluster: ChaosCluster, history: History): Promise<string[]> {
  const problems = await judgeHashes(cluster)
  problems.push(...(await judgeHistory(cluster, history)))
  problems.push(...judgeEndings(cluster.endings))
  for (const node of cluster.nodes)
    problems.push(...judgeLog(node.name, readFileSync(node.place.logFile, 'utf8')))
  return problems
}
