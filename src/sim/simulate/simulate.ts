/**
 * Runs a user's own state machine, replicated by Raft, under every kind of fault: the machine, the consensus, the log and
 * the client's rules are the ones of production, only clock, network and disks are simulated.
 */
import type { StateMachine } from '../../machine/state-machine.js'
import type { Application } from '../application.js'
import { Violation } from '../checkers/violation.js'
import { FAULT_GROUPS, FAULT_KINDS, type FaultKind } from '../faults.js'
import { raftSim } from '../raft.js'
import { NO_DEMANDS } from '../run/options.js'
import { runSeed } from '../run.js'
import type { SwarmOptions } from '../swarm.js'
import { UserLoad } from './load.js'
import type { SimulatedFailure, SimulateOptions, SimulateReport } from './options.js'

const SEEDS = 20
const DURATION_MS = 10_000
const DURATION_MS_MAX = 3_600_000
const NODES_MAX = 9
/** What must happen in a run for it to say something. */
const DEMANDS = { ...NO_DEMANDS, operations: 50, progress: 10 }

/** Throws a TypeError for options that make no sense; whatever the machine does is told by the report. */
export function simulate<T extends StateMachine>(options: SimulateOptions<T>): SimulateReport {
  const duration = options.duration ?? DURATION_MS
  demand(inRange(duration, 1, DURATION_MS_MAX), 'duration: expected 1 to 3,600,000 ms')
  const { nodes } = options
  demand(nodes === undefined || inRange(nodes, 1, NODES_MAX), 'nodes: expected 1 to 9')
  const kinds = kindsOf(options.faults)
  const failures: SimulatedFailure[] = []
  const faults: { [kind: string]: number } = {}
  const operations = { ok: 0, failed: 0, unknown: 0 }
  let passed = 0
  let skipped = 0
  let simulatedMs = 0
  for (const seed of seedsOf(options.seeds ?? SEEDS)) {
    const report = runSeed({
      sim: raftSim,
      seed,
      forMs: duration,
      demands: DEMANDS,
      application: applicationOf(options),
      adjust: (drawn) => adjusted(drawn, nodes ?? drawn.nodes, kinds),
      ...(options.trace === undefined ? {} : { trace: options.trace }),
    })
    if (report.failure !== null)
      failures.push({ seed, ...report.failure, replay: replayOf(seed, duration, options) })
    else if (report.verdict === 'void') skipped++
    else passed++
    for (const [kind, count] of Object.entries(report.faults))
      faults[kind] = (faults[kind] ?? 0) + count
    operations.ok += report.operations.ok
    operations.failed += report.operations.failed
    operations.unknown += report.operations.unknown
    simulatedMs += report.simulatedMs
  }
  const ok = failures.length === 0 && passed > 0
  return { ok, passed, failures, skipped, operations, faults, simulatedMs }
}

function applicationOf<T extends StateMachine>(options: SimulateOptions<T>): Application {
  const { machine, workload, check = {} } = options
  const invariants = Object.entries(check.invariants ?? {})
  /** Those that were made here, by themselves. */
  const made = new WeakMap<StateMachine, T>()
  return {
    newMachine: () => {
      const one = machine()
      made.set(one, one)
      return one
    },
    newLoad: (world) => new UserLoad(world, workload, check),
    inspect: (node, changed) => {
      const one = made.get(changed)
      if (one === undefined) return
      for (const [name, holds] of invariants) {
        const verdict = holds(one)
        if (verdict === true) continue
        throw new Violation(name, `${node}: ${verdict === false ? 'it does not hold' : verdict}`)
      }
    },
  }
}

function adjusted(
  drawn: SwarmOptions,
  nodes: number,
  kinds: ReadonlySet<FaultKind> | null,
): SwarmOptions {
  // Where the last good copy may be lost, nothing has to get well: that is the simulator's own business.
  const base = { ...drawn, nodes, hopeless: false }
  return kinds === null ? base : { ...base, kinds, faultFree: kinds.size === 0 }
}

function kindsOf(names: SimulateOptions<StateMachine>['faults']): ReadonlySet<FaultKind> | null {
  if (names === undefined) return null
  const kinds = new Set<FaultKind>()
  for (const name of names) {
    const group = Object.entries(FAULT_GROUPS).find(([one]) => one === name)
    const some = group?.[1] ?? FAULT_KINDS.filter((kind) => kind === name)
    demand(group !== undefined || some.length > 0, `faults: ${name} is no kind and no group`)
    for (const kind of some) kinds.add(kind)
  }
  return kinds
}

function seedsOf(seeds: number | readonly number[]): readonly number[] {
  const all = typeof seeds === 'number' ? Array.from({ length: seeds }, (_, i) => i + 1) : seeds
  demand(all.length > 0 && all.every((seed) => inRange(seed, 0, 2 ** 50)), 'seeds: expected some')
  return all
}

/** What differs from seed to seed and what was set, as they stand in a call. */
function replayOf(
  seed: number,
  duration: number,
  { nodes, faults }: Pick<SimulateOptions<StateMachine>, 'nodes' | 'faults'>,
): string {
  const more = [
    nodes === undefined ? '' : `, nodes: ${nodes}`,
    faults === undefined ? '' : `, faults: ${JSON.stringify(faults)}`,
  ]
  return `simulate({ ...options, seeds: [${seed}], duration: ${duration}${more.join('')}, trace: console.log })`
}

function inRange(value: number, min: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= min && value <= max
}

function demand(condition: boolean, problem: string): void {
  if (!condition) throw new TypeError(problem)
}
