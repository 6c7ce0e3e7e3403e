/**
 * Who strikes. The schedule is data: each strike is drawn from a generator of its own, by its ordinal, so that one can
 * be left out (`mutedStrikes`) and all others are drawn as before. Each ends by itself after a while.
 */
import { nextInt, pick, type RandomState } from '../base/random.js'
import type { Core } from '../consensus/contract.js'
import type { NodeId } from '../consensus/ids.js'
import type { Cluster } from './cluster.js'
import type { FaultCounts } from './faults.js'
import { STRIKE_KINDS } from './nemesis/kinds.js'
import { Stage } from './nemesis/stage.js'
import {
  type Blow,
  describeStrike,
  drawTarget,
  type ExecutedStrike,
  type Strike,
  type StrikeKind,
} from './nemesis/strike.js'
import { NO_LINK_FAULTS } from './network.js'
import { STREAM, streamOf } from './streams.js'
import type { SwarmOptions } from './swarm.js'
import { exponential, type World } from './world.js'

/** After the faults: how often the dead are started again. */
const REVIVE_MS = 200
const SNAPSHOT_FAILS = 0.2
const SNAPSHOT_FLIPS = 0.3

export class Nemesis<M extends { readonly type: string }, R, O, C extends Core<M, R>> {
  readonly #world: World
  readonly #swarm: SwarmOptions
  readonly #stage: Stage
  readonly #kinds: readonly StrikeKind[]
  readonly #times: RandomState
  readonly #executed: ExecutedStrike[] = []
  #ordinal = 0
  /** After the faults. */
  #stayDead: ReadonlySet<NodeId> = new Set()

  constructor(
    world: World,
    counts: FaultCounts,
    swarm: SwarmOptions,
    cluster: Cluster<M, R, O, C>,
  ) {
    this.#world = world
    this.#swarm = swarm
    const { nodes, network, disturbance } = cluster
    const noted = (event: string) => cluster.noted(event)
    const { quorum } = cluster
    this.#stage = new Stage({ world, swarm, counts, nodes, network, disturbance, quorum, noted })
    this.#kinds = STRIKE_KINDS.filter(({ kind }) => swarm.kinds.has(kind))
    this.#times = streamOf(world.seed, STREAM.strikeTimes)
  }

  /** What really struck, in order. */
  get executed(): readonly ExecutedStrike[] {
    return this.#executed
  }

  start(): void {
    if (this.#swarm.faultFree) return
    const { network, disturbance } = this.#stage
    this.#stage.active = true
    network.faults = this.#swarm.link
    disturbance.snapshotFails = this.#swarm.kinds.has('snapshot-failed') ? SNAPSHOT_FAILS : 0
    const flips = this.#swarm.kinds.has('snapshot-piece-flipped')
    disturbance.snapshotFlips = flips ? SNAPSHOT_FLIPS : 0
    if (this.#kinds.length > 0) this.#next()
  }

  /**
   * All faults end; what died starts again, what sleeps wakes. Those of `stayDead` die, if they live, and stay so until
   * `reviveRest`.
   */
  stop(stayDead: ReadonlySet<NodeId> = new Set()): void {
    this.#stayDead = stayDead
    const { network, disturbance, nodes } = this.#stage
    this.#stage.active = false
    network.faults = NO_LINK_FAULTS
    network.heal()
    network.unclog()
    disturbance.slowDiskMs = 0
    disturbance.slowMachineMs = 0
    disturbance.snapshotFails = 0
    disturbance.snapshotFlips = 0
    for (const node of nodes) {
      node.disarm()
      node.putDiskBack()
      node.disk.mend()
      node.clock.thaw()
      node.clock.setRight()
      node.clock.drift(null)
      node.cutClients('none')
      node.resume()
      if (stayDead.has(node.id)) node.kill('process')
    }
    this.#revive()
  }

  /** Nobody has to stay dead any more. */
  reviveRest(): void {
    this.#stayDead = new Set()
  }

  /** Also who dies yet of a disk that had failed before. */
  #revive(): void {
    for (const node of this.#stage.nodes)
      if (!node.alive && !this.#stayDead.has(node.id)) node.start()
    this.#world.after(REVIVE_MS, () => this.#revive())
  }

  #next(): void {
    const ordinal = this.#ordinal++
    this.#stage.later(exponential(this.#times, this.#swarm.nemesisMsMean), () => {
      this.#strike(ordinal)
      this.#next()
    })
  }

  #strike(ordinal: number): void {
    const { kind, blow, strike } = this.#draw(ordinal)
    const { mutedStrikes, kept } = this.#swarm
    if (mutedStrikes.has(ordinal) || kept.strikes?.has(ordinal) === false) return
    const met = blow.carryOut(this.#stage, strike)
    if (met === null) return
    const executed = { ...strike, met }
    this.#executed.push(executed)
    this.#world.tell(() => describeStrike(executed))
    if (kind.countsItself !== true) this.#stage.counts.add(strike.kind)
  }

  #draw(ordinal: number): { kind: StrikeKind; blow: Blow; strike: Strike } {
    const r = streamOf(this.#world.seed, STREAM.strike, ordinal)
    const kind = pick(r, this.#kinds)
    const target = drawTarget(r)
    const outageMs = nextInt(r, 20, this.#swarm.outageMsMax)
    const blow = kind.draw(r, this.#swarm)
    const durationMs = blow.durationMs ?? outageMs
    const { parameters } = blow
    const atMs = this.#world.now
    const strike = { ordinal, atMs, kind: kind.kind, target, durationMs, parameters }
    return { kind, blow, strike }
  }
}
