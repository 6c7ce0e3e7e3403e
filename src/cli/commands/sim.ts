/** `sim`: many seeds of the simulator on all cores; a failure is one line that replays it. */
import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import type { Recorded, SeedReport, SimProtocolName } from '../../sim/index.js'
import { EXIT, usageError } from '../errors.js'
import { print, printJson } from '../output.js'
import { Doublecheck } from '../sim/doublecheck.js'
import { historyLines } from '../sim/history-lines.js'
import {
  type Job,
  parseFaults,
  parseFor,
  parseLiars,
  parseMachine,
  parseProtocol,
  parseSeeds,
  runJob,
  type SimMachineName,
} from '../sim/job.js'
import { runPool } from '../sim/pool.js'
import { simProgress } from '../sim/progress.js'
import {
  addReport,
  idleKinds,
  isGood,
  newSummary,
  type Summary,
  summaryLines,
  unreachedMarks,
} from '../sim/summary.js'

export interface SimFlags {
  readonly protocol: string
  readonly machine?: string
  readonly seeds: string
  readonly seed?: string
  readonly nodes?: number
  readonly for?: string
  readonly faults?: string
  readonly liars?: string
  readonly jobs?: number
  readonly trace?: boolean
  readonly doublecheck?: boolean
  readonly history?: string
  readonly json?: boolean
  readonly shrink?: boolean
  readonly shrinkRuns: number
  readonly shrinkFor: string
  readonly recipe?: string
  readonly diagram?: string
}

type OnReport = (report: SeedReport) => void

interface Plan {
  readonly protocol: SimProtocolName
  readonly machine: SimMachineName
  readonly first: number
  readonly last: number
  job(seed: number): Job
}

export async function sim(flags: SimFlags): Promise<number> {
  if (flags.shrink === true || flags.recipe !== undefined || flags.diagram !== undefined)
    return (await import('../sim/small.js')).small(flags)
  const plan = planned(flags)
  const summary = newSummary(plan.protocol)
  const changed = [flags.nodes, flags.faults, flags.liars].some((flag) => flag !== undefined)
  summary.adjusted = changed || plan.machine !== 'ledger'
  const beganAt = performance.now()
  const count = plan.last - plan.first + 1
  const runs = flags.doublecheck === true ? 2 * count : count
  const progress = flags.trace === true || flags.json === true ? null : simProgress(runs)
  const onReport: OnReport = (report) => {
    addReport(summary, report)
    if (report.failure !== null && flags.json !== true)
      for (const line of failureLines(report, flags)) print(line)
  }
  try {
    if (flags.trace === true || flags.history !== undefined) runHere(plan, flags, onReport)
    else await runElsewhere(plan, flags, { onReport, onEnd: () => progress?.ended() })
  } finally {
    progress?.stop()
  }
  // What is printed of one seed is the same each time.
  if (flags.trace !== true) summary.realMs = performance.now() - beganAt
  if (flags.json === true) printJson(asJson(summary, plan, flags))
  else for (const line of summaryLines(nameOf(plan), summary)) print(line)
  return isGood(summary) ? EXIT.ok : EXIT.generic
}

function nameOf({ protocol, machine }: Plan): string {
  return machine === 'ledger' ? `sim-${protocol}` : `sim-${protocol}-${machine}`
}

function planned(flags: SimFlags): Plan {
  const protocol = parseProtocol(flags.protocol)
  const machine = parseMachine(flags.machine ?? 'ledger')
  if (flags.history !== undefined && machine !== 'ledger')
    throw usageError("--history: only of the simulator's own machine, without --machine")
  const { first, last } = parseSeeds(flags.seed ?? flags.seeds)
  const faults = flags.faults === undefined ? null : parseFaults(flags.faults, protocol)
  const liars = flags.liars === undefined ? null : parseLiars(flags.liars, protocol)
  const forMs = parseFor(flags.for, protocol)
  if (flags.history !== undefined && first !== last)
    throw usageError('--history: expected one seed, as --seed 42')
  if (flags.history !== undefined && flags.doublecheck === true)
    throw usageError('--history: not together with --doublecheck')
  if (flags.trace === true && flags.doublecheck === true)
    throw usageError('--trace: not together with --doublecheck')
  return {
    protocol,
    machine,
    first,
    last,
    job: (seed) => ({ seed, protocol, machine, nodes: flags.nodes ?? null, faults, forMs, liars }),
  }
}

/** In this process: what is printed or written while a seed runs does not cross to another. */
function runHere(plan: Plan, flags: SimFlags, onReport: OnReport): void {
  const { history } = flags
  const watch = {
    ...(flags.trace === true ? { trace: print } : {}),
    ...(history === undefined
      ? {}
      : {
          history: (operations: readonly Recorded[]) =>
            writeFileSync(history, `${historyLines(operations).join('\n')}\n`),
        }),
  }
  for (let seed = plan.first; seed <= plan.last; seed++) onReport(runJob(plan.job(seed), watch))
}

async function runElsewhere(
  plan: Plan,
  flags: SimFlags,
  { onReport, onEnd }: { readonly onReport: OnReport; readonly onEnd: () => void },
): Promise<void> {
  const count = plan.last - plan.first + 1
  const workers = Math.min(count, flags.jobs ?? availableParallelism())
  const run = (each: OnReport) =>
    runPool(jobs(plan), workers, (report) => {
      onEnd()
      each(report)
    })
  if (flags.doublecheck !== true) return run(onReport)
  const doublecheck = new Doublecheck()
  await run((report) => doublecheck.first(report))
  await run((report) => onReport(doublecheck.second(report)))
}

function asJson(summary: Summary, { first, last }: Plan, flags: SimFlags): object {
  return {
    protocol: flags.protocol,
    seeds: `${first}..${last}`,
    passed: summary.passed,
    failed: summary.failed.map((report) => ({ ...report, replay: replayLine(report, flags) })),
    skipped: summary.voided,
    undecided: summary.undecided,
    operations: summary.operations,
    steps: summary.steps,
    simulatedMs: summary.simulatedMs,
    realMs: Math.round(summary.realMs),
    faults: Object.fromEntries([...summary.struck].sort()),
    marks: Object.fromEntries([...summary.marks].sort()),
    unreachedMarks: unreachedMarks(summary),
    idleKinds: idleKinds(summary),
  }
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

/** What differs between two processes is not seen in one. */
function replayLine({ seed, failure }: SeedReport, flags: SimFlags): string {
  const machine = flags.machine === undefined ? '' : ` --machine ${flags.machine}`
  const nodes = flags.nodes === undefined ? '' : ` --nodes ${flags.nodes}`
  const faults = flags.faults === undefined ? '' : ` --faults ${flags.faults}`
  const forMs = flags.for === undefined ? '' : ` --for ${flags.for}`
  const liars = flags.liars === undefined ? '' : ` --liars ${flags.liars}`
  const how = failure?.invariant === 'determinism' ? '--doublecheck' : '--trace'
  return `quorate sim --protocol ${flags.protocol}${machine} --seed ${seed}${nodes}${forMs}${faults}${liars} ${how}`
}

function* jobs({ first, last, job }: Plan): Generator<Job> {
  for (let seed = first; seed <= last; seed++) yield job(seed)
}
