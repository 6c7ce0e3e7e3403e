/** `sim`: many seeds of the simulator on all cores; a failure is one line that replays it. */
import { availableParallelism } from 'node:os'
import type { SeedReport } from '../../sim/index.js'
import { EXIT, usageError } from '../errors.js'
import { print, printJson } from '../output.js'
import { progressBar } from '../progress.js'
import { type Job, parseFaults, parseSeeds, runJob } from '../sim/job.js'
import { runPool } from '../sim/pool.js'
import { addReport, idleKinds, isGood, newSummary, summaryLines } from '../sim/summary.js'

export interface SimFlags {
  readonly protocol: string
  readonly seeds: string
  readonly nodes?: number
  readonly faults?: string
  readonly jobs?: number
  readonly trace?: boolean
  readonly json?: boolean
}

export async function sim(flags: SimFlags): Promise<number> {
  if (flags.protocol !== 'raft')
    throw usageError(
      `--protocol: expected raft, got ${JSON.stringify(flags.protocol)}${flags.protocol === 'pbft' ? ': PBFT is not built yet' : ''}`,
    )
  const { first, last } = parseSeeds(flags.seeds)
  const faults = flags.faults === undefined ? null : parseFaults(flags.faults)
  const job = (seed: number): Job => ({
    seed,
    protocol: flags.protocol,
    nodes: flags.nodes ?? null,
    faults,
  })
  const count = last - first + 1
  const summary = newSummary()
  const bar = flags.trace === true ? null : progressBar('seeds', count)
  const onReport = (report: SeedReport) => {
    addReport(summary, report)
    bar?.increment()
    if (report.failure !== null && flags.json !== true)
      for (const line of failureLines(report, flags)) print(line)
  }
  try {
    if (flags.trace === true)
      for (let seed = first; seed <= last; seed++) onReport(runJob(job(seed), print))
    else {
      const workers = Math.min(count, flags.jobs ?? availableParallelism())
      await runPool(range(first, last, job), workers, onReport)
    }
  } finally {
    bar?.stop()
  }
  if (flags.json === true)
    printJson({
      protocol: flags.protocol,
      seeds: `${first}..${last}`,
      passed: summary.passed,
      failed: summary.failed.map((report) => ({ ...report, replay: replayLine(report, flags) })),
      skipped: summary.voided,
      undecided: summary.undecided,
      operations: summary.operations,
      steps: summary.steps,
      simulatedMs: summary.simulatedMs,
      faults: Object.fromEntries([...summary.struck].sort()),
      idleKinds: idleKinds(summary),
    })
  else for (const line of summaryLines(`sim-${flags.protocol}`, summary)) print(line)
  return isGood(summary) ? EXIT.ok : EXIT.generic
}

function failureLines(report: SeedReport, flags: SimFlags): string[] {
  const { failure } = report
  if (failure === null) return []
  const where = `${Math.round(failure.atMs)} ms, step ${failure.atStep}`
  return [
    `seed ${report.seed} failed at ${where}: ${failure.invariant}: ${failure.message}`,
    `replay: ${replayLine(report, flags)}`,
  ]
}

function replayLine(report: SeedReport, flags: SimFlags): string {
  const nodes = flags.nodes === undefined ? '' : ` --nodes ${flags.nodes}`
  const faults = flags.faults === undefined ? '' : ` --faults ${flags.faults}`
  return `quorate sim --protocol ${flags.protocol} --seeds ${report.seed}${nodes}${faults} --trace`
}

function* range(first: number, last: number, job: (seed: number) => Job): Generator<Job> {
  for (let seed = first; seed <= last; seed++) yield job(seed)
}
