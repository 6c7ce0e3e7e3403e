/**
 * Runs one seed: form a cluster, load it, strike it, heal it, demand that it gets well, and judge what the clients
 * saw. The same seed gives the same history, event for event.
 */
import type { Core } from '../consensus/contract.js'
import type { Recorded } from './checkers/history.js'
import { checkRegister } from './checkers/linearizable.js'
import { checkList } from './checkers/lists.js'
import { check, Violation } from './checkers/violation.js'
import { Cluster } from './cluster.js'
import { FaultCounts } from './faults.js'
import { decodeList, encodeQuery } from './ledger.js'
import { Nemesis } from './nemesis.js'
import type { SimProtocol } from './protocol.js'
import { sessionCodec } from './sessions.js'
import { drawSwarm, masked, type SwarmOptions } from './swarm.js'
import { Workload } from './workload.js'
import { World } from './world.js'

export interface SeedOptions<M extends { readonly type: string }, R, O, C extends Core<M, R>> {
  readonly sim: SimProtocol<M, R, O, C>
  readonly seed: number
  /** Instead of what the seed draws, for shrinking and for tests. */
  readonly adjust?: (drawn: SwarmOptions) => SwarmOptions
  /** Told everything that happens, for a human; it changes nothing. */
  readonly trace?: (line: string) => void
}

export interface SeedReport {
  readonly seed: number
  readonly protocol: string
  /** `void`: too little happened to say anything. */
  readonly verdict: 'ok' | 'failed' | 'void'
  readonly failure: {
    readonly invariant: string
    readonly message: string
    readonly atMs: number
    readonly atStep: number
  } | null
  /** Of all that happened: equal for equal seeds. */
  readonly traceHash: string
  readonly steps: number
  readonly events: number
  readonly simulatedMs: number
  readonly nodes: number
  readonly faultFree: boolean
  readonly kinds: readonly string[]
  readonly faults: { readonly [kind: string]: number }
  readonly operations: { readonly ok: number; readonly failed: number; readonly unknown: number }
  /** Registers whose history could not be judged within bounds. */
  readonly undecided: number
  readonly notes: { readonly [event: string]: number }
}

const OPERATIONS_MIN = 300
const FAULTS_MIN = 10
/** Of the time with faults, and of what the cluster gets to become well (ms of simulated time). */
const FAULTY_MS_MIN = 4_000
const FAULTY_MS_MAX = 60_000
const HEAL_MS_MAX = 60_000
/** Operations that must succeed within that time. */
const PROGRESS_OPERATIONS = 10
/** A bound against a world that spins. */
const EVENTS_MAX = 2_000_000
/** How often the end of a phase is looked for. */
const LOOK_MS = 50

export function runSeed<M extends { readonly type: string }, R, O, C extends Core<M, R>>(
  options: SeedOptions<M, R, O, C>,
): SeedReport {
  return new Run(options).run()
}

class Run<M extends { readonly type: string }, R, O, C extends Core<M, R>> {
  readonly #options: SeedOptions<M, R, O, C>
  readonly #swarm: SwarmOptions
  readonly #world: World
  readonly #counts = new FaultCounts()
  readonly #cluster: Cluster<M, R, O, C>
  readonly #nemesis: Nemesis<M, R, O, C>
  readonly #workload: Workload
  #undecided = 0

  constructor(options: SeedOptions<M, R, O, C>) {
    this.#options = options
    const drawn = drawSwarm(options.seed)
    this.#swarm = masked(options.adjust?.(drawn) ?? drawn)
    this.#world = new World(options.seed, options.trace ?? null)
    this.#cluster = new Cluster(this.#world, this.#counts, this.#swarm, options.sim)
    this.#nemesis = new Nemesis(this.#world, this.#counts, this.#swarm, this.#cluster)
    this.#workload = new Workload({
      world: this.#world,
      counts: this.#counts,
      options: this.#swarm.workload,
      nodes: this.#cluster.ids,
      door: this.#cluster.door,
      session: sessionCodec,
    })
  }

  run(): SeedReport {
    let failure: SeedReport['failure'] = null
    try {
      this.#cluster.start()
      this.#until(HEAL_MS_MAX, () => this.#cluster.isLed(), 'formation: a leader')
      this.#underFaults()
      this.#heal()
      this.#judge()
    } catch (error) {
      const invariant =
        error instanceof Violation
          ? error.invariant
          : error instanceof Error
            ? error.name
            : 'thrown'
      const message = error instanceof Error ? error.message : String(error)
      const stack =
        error instanceof Error && !(error instanceof Violation) ? error.stack : undefined
      this.#world.tell(() => `${invariant}: ${message} ${stack ?? ''}`)
      failure = { invariant, message, atMs: this.#world.now, atStep: this.#cluster.steps }
    }
    return this.#report(failure)
  }

  #underFaults(): void {
    this.#nemesis.start()
    const began = this.#world.now
    const over = () => {
      const ms = this.#world.now - began
      if (ms >= FAULTY_MS_MAX) return true
      if (ms < FAULTY_MS_MIN && !this.#swarm.faultFree) return false
      const enough = this.#workload.history.counts().ok >= this.#swarm.operationsMin
      return enough && (this.#swarm.faultFree || this.#counts.total >= FAULTS_MIN)
    }
    this.#until(2 * FAULTY_MS_MAX, over, 'faulty phase')
  }

  /** Faults off: a leader, everything asked answered, and equal states, within a bound. */
  #heal(): void {
    this.#world.tell(() => 'faults end')
    this.#nemesis.stop()
    this.#workload.faulty = false
    const { history } = this.#workload
    const before = history.counts().ok
    const progress = () => history.counts().ok >= before + PROGRESS_OPERATIONS
    this.#until(HEAL_MS_MAX, progress, 'liveness: operations succeed again')
    const enough = () => history.counts().ok >= this.#swarm.operationsMin
    this.#until(10 * HEAL_MS_MAX, enough, 'liveness: operations go on to succeed')
    this.#workload.finish()
    this.#until(
      HEAL_MS_MAX,
      () => this.#workload.idle && this.#cluster.isConverged(),
      'liveness: one leader, all requests answered, equal states',
    )
  }

  #until(ms: number, done: () => boolean, what: string): void {
    const end = this.#world.now + ms
    let lookAt = this.#world.now
    for (;;) {
      if (this.#world.now >= lookAt) {
        if (done()) return
        lookAt = this.#world.now + LOOK_MS
      }
      check(this.#world.now < end, 'liveness', () => `${what}: not within ${ms} ms`)
      check(this.#world.events < EVENTS_MAX, 'liveness', () => `${what}: too many events`)
      check(this.#world.step(), 'liveness', () => `${what}: nothing happens any more`)
    }
  }

  #judge(): void {
    const registers = new Map<number, Recorded[]>()
    const lists = new Map<number, Recorded[]>()
    for (const recorded of this.#workload.history.operations) {
      const { type, key } = recorded.operation
      const map = type === 'Append' || type === 'List' ? lists : registers
      const some = map.get(key)
      if (some === undefined) map.set(key, [recorded])
      else some.push(recorded)
    }
    for (const [key, operations] of registers) {
      const verdict = checkRegister(operations)
      if (verdict === 'unknown') this.#undecided++
      check(
        verdict !== 'violated',
        'linearizable',
        () => `the history of register ${key} has no legal order`,
      )
    }
    const ledger = this.#cluster.nodes[0]?.machine?.ledger
    for (const [key, operations] of lists) {
      const answer = ledger?.query(encodeQuery({ type: 'List', key }))
      const wrong = checkList(operations, answer === undefined ? [] : decodeList(answer))
      check(wrong === null, 'exactly-once', () => `list ${key}: ${wrong}`)
    }
  }

  #report(failure: SeedReport['failure']): SeedReport {
    const operations = this.#workload.history.counts()
    const enough =
      operations.ok >= OPERATIONS_MIN && (this.#swarm.faultFree || this.#counts.total >= FAULTS_MIN)
    const notes: { [event: string]: number } = {}
    for (const event of [...this.#cluster.notes.keys()].sort())
      notes[event] = this.#cluster.notes.get(event) ?? 0
    return {
      seed: this.#options.seed,
      protocol: this.#options.sim.protocol.name,
      verdict: failure !== null ? 'failed' : enough ? 'ok' : 'void',
      failure,
      traceHash: this.#world.hash.toString(16).padStart(8, '0'),
      steps: this.#cluster.steps,
      events: this.#world.events,
      simulatedMs: Math.round(this.#world.now),
      nodes: this.#swarm.nodes,
      faultFree: this.#swarm.faultFree,
      kinds: [...this.#swarm.kinds].sort(),
      faults: this.#counts.plain(),
      operations,
      undecided: this.#undecided,
      notes,
    }
  }
}
