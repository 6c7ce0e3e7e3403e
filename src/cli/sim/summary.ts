/** What many seeds showed, taken together. */
import type { SeedReport } from '../../sim/index.js'

/** Over so many seeds each kind of fault that was enabled must have struck. */
const KINDS_JUDGED_FROM_SEEDS = 200

export interface Summary {
  passed: number
  failed: SeedReport[]
  /** Too little happened to say anything. */
  voided: number
  undecided: number
  operations: number
  simulatedMs: number
  steps: number
  readonly enabled: Map<string, number>
  readonly struck: Map<string, number>
}

export function newSummary(): Summary {
  return {
    passed: 0,
    failed: [],
    voided: 0,
    undecided: 0,
    operations: 0,
    simulatedMs: 0,
    steps: 0,
    enabled: new Map(),
    struck: new Map(),
  }
}

export function addReport(summary: Summary, report: SeedReport): void {
  if (report.verdict === 'ok') summary.passed++
  else if (report.verdict === 'void') summary.voided++
  else summary.failed.push(report)
  summary.undecided += report.undecided
  summary.operations += report.operations.ok
  summary.simulatedMs += report.simulatedMs
  summary.steps += report.steps
  for (const kind of report.kinds) add(summary.enabled, kind, 1)
  for (const [kind, count] of Object.entries(report.faults)) add(summary.struck, kind, count)
}

function add(map: Map<string, number>, key: string, count: number): void {
  map.set(key, (map.get(key) ?? 0) + count)
}

/** Kinds that many seeds enabled and that never struck: what they would show was not shown. */
export function idleKinds(summary: Summary): string[] {
  const seeds = summary.passed + summary.failed.length + summary.voided
  if (seeds < KINDS_JUDGED_FROM_SEEDS) return []
  return [...summary.enabled.keys()].filter((kind) => !summary.struck.has(kind)).sort()
}

/** Nothing failed, something was shown, and every kind of fault did its part. */
export function isGood(summary: Summary): boolean {
  return summary.failed.length === 0 && summary.passed > 0 && idleKinds(summary).length === 0
}

export function summaryLines(name: string, summary: Summary): string[] {
  const faults = [...summary.struck]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([kind, count]) => `${kind} ${count}`)
  const lines = [
    `operations ${summary.operations}, steps ${summary.steps}, simulated ${Math.round(summary.simulatedMs / 1_000)} s, undecided registers ${summary.undecided}`,
    `faults: ${faults.length === 0 ? 'none' : faults.join(', ')}`,
  ]
  const idle = idleKinds(summary)
  if (idle.length > 0) lines.push(`enabled but never struck: ${idle.join(', ')}`)
  lines.push(
    `${name}: ${summary.passed} passed, ${summary.failed.length} failed, ${summary.voided} skipped`,
  )
  return lines
}
