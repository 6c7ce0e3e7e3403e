/**
 * Runs one seed: form a cluster, load it, strike it; heal a quorum of it and demand that it gets well without the rest;
 * then the rest; and judge what the clients saw. The same seed gives the same history, event for event.
 */
import type { Core } from '../consensus/contract.js'
import type { NodeId } from '../consensus/ids.js'
import { check, Violation } from './checkers/violation.js'
import { Cluster } from './cluster.js'
import { FaultCounts } from './faults.js'
import { ledgerApplication } from './ledger-load.js'
import { Nemesis } from './nemesis.js'
import {
  DEMANDS,
  type Demands,
  FAULTY_MS,
  HEAL_MS,
  type SeedFailure,
  type SeedOptions,
  type SeedReport,
} from './run/options.js'
import { drawQuorum } from './run/quorum.js'
import { sessionCodec } from './sessions.js'
import { drawSwarm, masked, type SwarmOptions } from './swarm.js'
import { Workload } from './workload.js'
import { World } from './world.js'

/** How much longer than asked for the faults last at most, until enough has happened (ms of simulated time). */
const LONGER_MS_MAX = 60_000
/** Rounds in which every client asks once more. */
const ASK_ROUNDS_MAX = 8
/** Until the processes of a quorum are up again: they read their disks (ms). */
const UP_MS_MAX = 20_000
/** Maximal election timeouts until a quorum that is up has a leader. */
const LEADER_TIMEOUTS = 10
/** What a cluster gets that may have lost everything (ms). */
const HOPELESS_MS = 10_000
/** A bound against a world that spins: of a run, and for each ms of it. */
const EVENTS_MAX = 2_000_000
const EVENTS_PER_MS_MAX = 50
/** Marks that no step of a core tells. */
const OF_STARTS = [
  'torn-tail-cut',
  'snapshot-lost',
  'log-damaged',
  'wiped-disk-refused',
  'old-copy-refused',
  'old-copy-hopeless',
]
/** How often the end of a phase is looked for. */
const LOOK_MS = 50

export function runSeed<M extends { readonly type: string }, R, O, C extends Core<M, R>>(
  options: SeedOptions<M, R, O, C>,
): SeedReport {
  return new Run(options).run()
}

class Run<M extends { readonly type: string }, R, O, C extends Core<M, R>> {
  readonly #options: SeedOptions<M, R, O, C>
  readonly #forMs: number
  readonly #healMs: number
  readonly #swarm: SwarmOptions
  readonly #world: World
  readonly #counts = new FaultCounts()
  readonly #cluster: Cluster<M, R, O, C>
  readonly #nemesis: Nemesis<M, R, O, C>
  readonly #workload: Workload
  readonly #quorum: ReadonlySet<NodeId> | null
  readonly #demands: Demands
  readonly #struckMessages: ReadonlySet<string> | null
  #undecided = 0

  constructor(options: SeedOptions<M, R, O, C>) {
    this.#options = options
    this.#forMs = options.forMs ?? FAULTY_MS
    this.#healMs = options.healMs ?? HEAL_MS
    this.#demands = options.demands ?? DEMANDS
    const swarm = drawSwarm(options.seed)
    const drawn = options.sim.fitted?.(swarm, options.seed) ?? swarm
    this.#swarm = masked(options.adjust?.(drawn) ?? drawn)
    this.#world = new World(options.seed, options.trace ?? null)
    const application = options.application ?? ledgerApplication
    const { sim } = options
    this.#cluster = new Cluster(this.#world, this.#counts, this.#swarm, sim, application)
    this.#struckMessages = options.happened ? this.#cluster.network.recordStruck() : null
    this.#nemesis = new Nemesis(this.#world, this.#counts, this.#swarm, this.#cluster)
    this.#workload = new Workload({
      world: this.#world,
      counts: this.#counts,
      options: this.#swarm.workload,
      load: application.newLoad(this.#world, this.#swarm.workload, this.#swarm),
      kept: this.#swarm.kept.operations,
      nodes: this.#cluster.ids,
      door: this.#cluster.door,
      session: sessionCodec,
      sceptical: options.sim.sceptical === true,
    })
    this.#quorum = drawQuorum(options.seed, this.#cluster.ids, {
      swarm: this.#swarm,
      quorum: (n) => options.sim.quorum(n),
      liars: this.#cluster.liars,
    })
  }

  run(): SeedReport {
    let failure: SeedFailure | null = null
    try {
      this.#cluster.start()
      const led = () => this.#cluster.isLed(this.#all)
      this.#until(this.#healMs, led, 'formation: a leader')
      this.#underFaults()
      if (this.#swarm.hopeless) this.#endHopeless()
      else {
        this.#healQuorum()
        this.#healRest()
        this.#judge()
      }
    } catch (error) {
      failure = this.#failed(error)
    }
    this.#options.happened?.({
      strikes: this.#nemesis.executed.map(({ ordinal }) => ordinal),
      messages: [...(this.#struckMessages ?? [])],
      operations: this.#workload.asked,
    })
    this.#options.history?.(this.#workload.load.operations)
    return this.#report(failure)
  }

  /** Of liars nothing is demanded. */
  get #all(): ReadonlySet<NodeId> {
    return new Set(this.#cluster.honest)
  }

  #underFaults(): void {
    this.#nemesis.start()
    const began = this.#world.now
    const longerMs = this.#options.sim.longerMs ?? LONGER_MS_MAX
    const over = () => {
      const ms = this.#world.now - began
      if (ms < this.#forMs) return false
      return ms >= this.#forMs + longerMs || this.#isEnough()
    }
    this.#until(this.#forMs + 2 * longerMs, over, 'faulty phase')
  }

  #isEnough(): boolean {
    const { operations, faults } = this.#demands
    const enough = this.#workload.load.counts().ok >= operations
    return enough && (this.#swarm.faultFree || this.#counts.total >= faults)
  }

  /** Faults off, and only these are left: a leader soon, everything asked answered, and equal states. */
  #healQuorum(): void {
    const core = this.#quorum ?? this.#all
    this.#world.tell(() => `faults end; who goes on: ${[...core].sort()}`)
    this.#workload.faulty = false
    this.#nemesis.stop(new Set(this.#cluster.honest.filter((id) => !core.has(id))))
    this.#until(UP_MS_MAX, () => this.#cluster.isUp(core), 'liveness: a quorum is up')
    const { electionTicks, tickMs } = this.#swarm
    const leaderMs = this.#options.sim.leaderMs ?? LEADER_TIMEOUTS * 2 * electionTicks * tickMs
    this.#until(leaderMs, () => this.#cluster.isLed(core), 'liveness: a quorum has a leader')
    const { load } = this.#workload
    const before = load.counts().ok
    const progress = () => load.counts().ok >= before + this.#demands.progress
    const { length: asked } = this.#workload.asked
    const what = () =>
      this.#workload.asked.length > asked
        ? 'operations succeed again'
        : 'operations are asked again'
    this.#until(this.#healMs, progress, () => `liveness: ${what()}`)
    const enough = () => load.counts().ok >= this.#demands.operations
    this.#until(10 * this.#healMs, enough, 'liveness: operations go on to succeed')
    this.#workload.finish()
    const answered = () => this.#workload.idle && this.#cluster.isIdle(core)
    this.#until(this.#healMs, answered, 'liveness: all requests are answered')
    this.#askAll()
    const settled = () => load.isSettled?.() ?? true
    this.#until(this.#healMs, settled, 'liveness: what was due has happened')
    this.#until(this.#healMs, () => this.#cluster.isConverged(core), 'liveness: equal states')
  }

  /** What had no copy left may be lost for good, and nodes may refuse to start; but nothing that was said was wrong. */
  #endHopeless(): void {
    this.#workload.faulty = false
    this.#nemesis.stop()
    const end = this.#world.now + HOPELESS_MS
    this.#until(2 * HOPELESS_MS, () => this.#world.now >= end, 'the end')
    if (this.#cluster.isConverged(this.#all)) return this.#judge()
    this.#undecided = this.#workload.load.judgeHistory()
  }

  /**
   * Every client asks once more, and has it executed. Whose session had expired is told so, and has a new one then; where
   * sessions expire soon, that may meet one client after the other.
   */
  #askAll(): void {
    const executed = new Set<number>()
    let outcomes: readonly string[] = []
    for (let round = 0; round < ASK_ROUNDS_MAX; round++) {
      const asked = this.#workload.askOnce(this.#healMs)
      const ended = () => asked.every((one) => one.outcome !== 'pending')
      this.#until(this.#healMs, ended, 'liveness: last requests are answered')
      outcomes = asked.map(({ outcome }) => outcome)
      for (const [i, outcome] of outcomes.entries()) if (outcome === 'ok') executed.add(i)
      if (executed.size === outcomes.length) return
    }
    const missing = outcomes.filter((_, i) => !executed.has(i))
    check(
      missing.length === 0,
      'liveness',
      () => `a cluster that is well let a request end as ${missing[0]}, again and again`,
    )
  }

  /** Those that were left dead, or behind, catch up. */
  #healRest(): void {
    this.#world.tell(() => 'the rest starts again')
    this.#nemesis.reviveRest()
    const converged = () => this.#cluster.isConverged(this.#all)
    this.#until(this.#healMs, converged, 'liveness: the rest catches up')
  }

  #until(ms: number, done: () => boolean, demand: string | (() => string)): void {
    const world = this.#world
    const end = world.now + ms
    // Asked for with every event: it makes nothing but what it answers.
    const wrong = (): string | null => {
      if (world.now >= end) return `not within ${ms} ms`
      if (world.events >= EVENTS_MAX + EVENTS_PER_MS_MAX * world.now) return 'too many events'
      return world.step() ? null : 'nothing happens any more'
    }
    let lookAt = world.now
    for (;;) {
      if (world.now >= lookAt) {
        if (done()) return
        lookAt = world.now + LOOK_MS
      }
      const why = wrong()
      if (why === null) continue
      throw new Violation('liveness', `${typeof demand === 'string' ? demand : demand()}: ${why}`)
    }
  }

  #judge(): void {
    const machine = this.#cluster.honestNode?.machine ?? null
    check(machine !== null, 'liveness', () => 'no machine to hold the history against')
    if (machine === null) return
    this.#undecided = this.#workload.load.judge(machine.ledger)
    // Not to know is not to have shown it.
    const undecided = this.#undecided
    check(undecided === 0, 'undecided', () => `${undecided} registers could not be judged in time`)
  }

  #failed(error: unknown): SeedFailure {
    const { invariant, message, stack } = described(error)
    this.#world.tell(() => `${invariant}: ${message} ${stack}`)
    return { invariant, message, atMs: this.#world.now, atStep: this.#cluster.steps }
  }

  #report(failure: SeedFailure | null): SeedReport {
    return {
      seed: this.#options.seed,
      protocol: this.#options.sim.protocol.name,
      verdict: failure !== null ? 'failed' : this.#isEnough() ? 'ok' : 'void',
      failure,
      traceHash: this.#world.hash.toString(16).padStart(8, '0'),
      steps: this.#cluster.steps,
      events: this.#world.events,
      simulatedMs: Math.round(this.#world.now),
      nodes: this.#swarm.nodes,
      faultFree: this.#swarm.faultFree,
      kinds: [...this.#swarm.kinds].sort(),
      faults: this.#counts.plain(),
      operations: this.#workload.load.counts(),
      undecided: this.#undecided,
      quorum: this.#quorum === null ? null : [...this.#quorum].sort(),
      marks: this.#marks(),
      notes: sortedCounts(this.#cluster.notes),
    }
  }

  /** What a start of a node tells is no step of its core. */
  #marks(): { readonly [mark: string]: number } {
    const marks = new Map(this.#cluster.protocolChecker.marks ?? [])
    for (const name of OF_STARTS) {
      const count = this.#cluster.notes.get(name)
      if (count !== undefined) marks.set(name, count)
    }
    return sortedCounts(marks)
  }
}

function described(error: unknown): { invariant: string; message: string; stack: string } {
  if (error instanceof Violation)
    return { invariant: error.invariant, message: error.message, stack: '' }
  if (error instanceof Error)
    return { invariant: error.name, message: error.message, stack: error.stack ?? '' }
  return { invariant: 'thrown', message: String(error), stack: '' }
}

function sortedCounts(counts: ReadonlyMap<string, number>): { readonly [name: string]: number } {
  const out: { [name: string]: number } = {}
  for (const name of [...counts.keys()].sort()) out[name] = counts.get(name) ?? 0
  return out
}
