/** What many seeds showed, taken together. */
import { type SeedReport, type SimProtocolName, simProtocols } from '../../sim/index.js'

/** Over so many seeds each kind of fault that was enabled must have struck. */
const KINDS_JUDGED_FROM_SEEDS = 200
/** Over so many seeds each mark must have been reached. */
const MARKS_JUDGED_FROM_SEEDS = 1_000
const MS_PER_HOUR = 3_600_000

export interface Summary {
  readonly protocol: SimProtocolName
  passed: number
  failed: SeedReport[]
  /** Too little happened to say anything. */
  voided: number
  undecided: number
  readonly operations: { ok: number; failed: number; unknown: number }
  simulatedMs: number
  steps: number
  /** Of the wall clock, told by whoever ran the seeds; 0: not told. */
  realMs: number
  /** Nodes or faults were not drawn: not every situation can come up. */
  adjusted: boolean
  readonly enabled: Map<string, number>
  readonly struck: Map<string, number>
  readonly marks: Map<string, number>
}

export function newSummary(protocol: SimProtocolName = 'raft'): Summary {
  return {
    protocol,
    passed: 0,
    failed: [],
    voided: 0,
    undecided: 0,
    operations: { ok: 0, failed: 0, unknown: 0 },
    simulatedMs: 0,
    steps: 0,
    realMs: 0,
    adjusted: false,
    enabled: new Map(),
    struck: new Map(),
    marks: new Map(),
  }
}

export function addReport(summary: Summary, report: SeedReport): void {
  if (report.verdict === 'ok') summary.passed++
  else if (report.verdict === 'void') summary.voided++
  else summary.failed.push(report)
  summary.undecided += report.undecided
  summary.operations.ok += report.operations.ok
  summary.operations.failed += report.operations.failed
  summary.operations.unknown += report.operations.unknown
  summary.simulatedMs += report.simulatedMs
  summary.steps += report.steps
  for (const kind of report.kinds) add(summary.enabled, kind, 1)
  for (const [kind, count] of Object.entries(report.faults)) add(summary.struck, kind, count)
  for (const [mark, count] of Object.entries(report.marks)) add(summary.marks, mark, count)
}

function add(map: Map<string, number>, key: string, count: number): void {
  map.set(key, (map.get(key) ?? 0) + count)
}

export function seedsOf(summary: Summary): number {
  return summary.passed + summary.failed.length + summary.voided
}

/** Kinds that many seeds enabled and that never struck: what they would show was not shown. */
export function idleKinds(summary: Summary): string[] {
  if (seedsOf(summary) < KINDS_JUDGED_FROM_SEEDS) return []
  return [...summary.enabled.keys()].filter((kind) => !summary.struck.has(kind)).sort()
}

export function unreachedMarks(summary: Summary): string[] {
  const { marks } = simProtocols[summary.protocol]
  return Object.keys(marks).filter((mark) => !summary.marks.has(mark))
}

/** A long run of what seeds draw by themselves must have seen everything. */
function lacksMarks(summary: Summary): boolean {
  if (summary.adjusted || seedsOf(summary) < MARKS_JUDGED_FROM_SEEDS) return false
  return unreachedMarks(summary).length > 0
}

/** Nothing failed, something was shown, and every kind of fault did its part. */
export function isGood(summary: Summary): boolean {
  if (summary.failed.length > 0 || summary.passed === 0) return false
  return idleKinds(summary).length === 0 && !lacksMarks(summary)
}

export function summaryLines(name: string, summary: Summary): string[] {
  const { ok, failed, unknown } = summary.operations
  const lines = [
    `seeds ${seedsOf(summary)}, simulated ${(summary.simulatedMs / MS_PER_HOUR).toFixed(2)} hours, steps ${summary.steps}${speed(summary)}`,
    `operations: ok ${ok}, failed ${failed}, unknown ${unknown}; undecided registers ${summary.undecided}`,
    `faults: ${listed(summary.struck)}`,
    `marks: ${listed(summary.marks)}`,
  ]
  const unreached = unreachedMarks(summary)
  if (unreached.length > 0) lines.push(`marks never reached: ${unreached.join(', ')}`)
  const idle = idleKinds(summary)
  if (idle.length > 0) lines.push(`enabled but never struck: ${idle.join(', ')}`)
  lines.push(
    `${name}: ${summary.passed} passed, ${summary.failed.length} failed, ${summary.voided} skipped`,
  )
  return lines
}

function speed({ realMs, simulatedMs, steps }: Summary): string {
  if (realMs === 0) return ''
  const perSecond = Math.round((1_000 * steps) / realMs)
  return `, ${Math.round(simulatedMs / realMs)} simulated seconds a real second, ${perSecond} steps/s`
}

function listed(counts: ReadonlyMap<string, number>): string {
  if (counts.size === 0) return 'none'
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')
}
