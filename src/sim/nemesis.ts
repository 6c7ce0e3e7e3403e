/** Who strikes: outages drawn from the kinds that the seed allows, each ending by itself after a while. */
import { pick, shuffled } from '../base/random.js'
import type { Core } from '../consensus/contract.js'
import type { NodeId } from '../consensus/ids.js'
import type { Cluster } from './cluster.js'
import type { CrashKind } from './disk.js'
import type { FaultCounts, FaultKind } from './faults.js'
import { NO_LINK_FAULTS } from './network.js'
import type { SimNode } from './node.js'
import type { SwarmOptions } from './swarm.js'
import type { World } from './world.js'

type Strike = () => boolean

/** After the faults: how often the dead are started again. */
const REVIVE_MS = 200

export class Nemesis<M extends { readonly type: string }, R, O, C extends Core<M, R>> {
  readonly #world: World
  readonly #counts: FaultCounts
  readonly #swarm: SwarmOptions
  readonly #cluster: Cluster<M, R, O, C>
  readonly #strikes: { readonly kind: FaultKind; readonly strike: Strike }[]
  #active = false

  constructor(
    world: World,
    counts: FaultCounts,
    swarm: SwarmOptions,
    cluster: Cluster<M, R, O, C>,
  ) {
    this.#world = world
    this.#counts = counts
    this.#swarm = swarm
    this.#cluster = cluster
    const all: { kind: FaultKind; strike: Strike }[] = [
      { kind: 'partition-uniform', strike: () => this.#partition((ids) => this.#split(ids)) },
      { kind: 'partition-isolate', strike: () => this.#partition((ids) => this.#isolate(ids)) },
      { kind: 'partition-one-way', strike: () => this.#partition((ids) => this.#oneWay(ids)) },
      { kind: 'partition-bridge', strike: () => this.#partition((ids) => this.#bridge(ids)) },
      { kind: 'process-killed', strike: () => this.#kill('process') },
      { kind: 'power-lost', strike: () => this.#kill('power') },
      { kind: 'power-lost-everywhere', strike: () => this.#killAll() },
      { kind: 'crash-at-effect', strike: () => this.#killAtEffect() },
      { kind: 'disk-error', strike: () => this.#breakDisk() },
      { kind: 'paused', strike: () => this.#pause() },
      { kind: 'slow-disk', strike: () => this.#slow('slowDiskMs') },
      { kind: 'slow-machine', strike: () => this.#slow('slowMachineMs') },
      { kind: 'leadership-transferred', strike: () => this.#transfer() },
    ]
    this.#strikes = all.filter(({ kind }) => swarm.kinds.has(kind))
  }

  start(): void {
    if (this.#swarm.faultFree) return
    this.#active = true
    this.#cluster.network.faults = this.#swarm.link
    this.#cluster.disturbance.snapshotFails = this.#swarm.kinds.has('snapshot-failed') ? 0.2 : 0
    this.#next()
  }

  /** All faults end; what died starts again, what sleeps wakes. */
  stop(): void {
    this.#active = false
    const { network, disturbance, nodes } = this.#cluster
    network.faults = NO_LINK_FAULTS
    network.heal()
    disturbance.slowDiskMs = 0
    disturbance.slowMachineMs = 0
    disturbance.snapshotFails = 0
    for (const node of nodes) {
      node.disarm()
      node.resume()
    }
    this.#revive()
  }

  /** Also who dies yet of a disk that had failed before. */
  #revive(): void {
    for (const node of this.#cluster.nodes) if (!node.alive) node.start()
    this.#world.after(REVIVE_MS, () => this.#revive())
  }

  #next(): void {
    this.#world.after(this.#world.exponential(this.#swarm.nemesisMsMean), () => {
      if (!this.#active) return
      if (this.#strikes.length > 0) {
        const { kind, strike } = pick(this.#world.random, this.#strikes)
        if (strike()) {
          this.#world.tell(() => `nemesis: ${kind}`)
          this.#counts.add(kind)
        }
      }
      this.#next()
    })
  }

  #later(undo: () => void): void {
    this.#world.after(this.#world.int(20, this.#swarm.outageMsMax), () => {
      if (this.#active) undo()
    })
  }

  #partition(cut: (ids: readonly NodeId[]) => void): boolean {
    const { network, ids } = this.#cluster
    if (ids.length < 2 || network.isPartitioned) return false
    const order = shuffled(this.#world.random, ids)
    const leader = this.#leader()
    // Where it hurts most: often the leader comes first.
    if (leader !== null && this.#world.chance(0.5))
      order.sort((a, b) => Number(b === leader.id) - Number(a === leader.id))
    cut(order)
    this.#later(() => network.heal())
    return true
  }

  #split(ids: readonly NodeId[]): void {
    const at = this.#world.int(1, ids.length - 1)
    this.#cutBetween(ids.slice(0, at), ids.slice(at))
  }

  #isolate(ids: readonly NodeId[]): void {
    this.#cutBetween(ids.slice(0, 1), ids.slice(1))
  }

  /** The first hears nobody, or is heard by nobody. */
  #oneWay(ids: readonly NodeId[]): void {
    const [first = '', ...others] = ids
    const deaf = this.#world.chance(0.5)
    for (const other of others) {
      if (deaf) this.#cluster.network.block(other, first)
      else this.#cluster.network.block(first, other)
    }
  }

  /** Two halves that see each other only through the node between them. */
  #bridge(ids: readonly NodeId[]): void {
    const [, ...others] = ids
    const at = Math.floor(others.length / 2)
    this.#cutBetween(others.slice(0, at), others.slice(at))
  }

  #cutBetween(some: readonly NodeId[], others: readonly NodeId[]): void {
    for (const a of some) {
      for (const b of others) {
        this.#cluster.network.block(a, b)
        this.#cluster.network.block(b, a)
      }
    }
  }

  #leader(): SimNode<M, R, O, C> | null {
    const leaders = this.#cluster.nodes.filter((node) => {
      const role = node.core?.status().role
      return node.alive && !node.paused && (role === 'leader' || role === 'primary')
    })
    return leaders.length === 0 ? null : pick(this.#world.random, leaders)
  }

  /** Whom to strike: a leader as often as anybody. */
  #living(): SimNode<M, R, O, C> | null {
    if (this.#world.chance(0.5)) {
      const leader = this.#leader()
      if (leader !== null) return leader
    }
    const living = this.#cluster.nodes.filter((node) => node.alive && !node.paused)
    return living.length === 0 ? null : pick(this.#world.random, living)
  }

  #kill(how: CrashKind): boolean {
    const node = this.#living()
    if (node === null) return false
    node.kill(how)
    this.#restartLater(node)
    return true
  }

  #killAll(): boolean {
    for (const node of this.#cluster.nodes) {
      if (!node.alive) continue
      node.kill('power')
      this.#restartLater(node)
    }
    return true
  }

  #killAtEffect(): boolean {
    const node = this.#living()
    if (node === null) return false
    const how = this.#world.chance(0.5) ? 'power' : 'process'
    node.killAtEffect(this.#world.int(1, 40), how)
    this.#lookAfter(node)
    return true
  }

  /** Counted when it happens. */
  #breakDisk(): boolean {
    const node = this.#living()
    node?.breakDiskAfter(this.#world.int(1, 60))
    if (node !== null) this.#lookAfter(node)
    return false
  }

  #lookAfter(node: SimNode<M, R, O, C>): void {
    // It may die any moment now: looked after once in a while.
    const watch = () => {
      if (!this.#active) return
      if (!node.alive) node.start()
      else if (node.armed) this.#world.after(100, watch)
    }
    this.#world.after(this.#world.int(20, this.#swarm.outageMsMax), watch)
  }

  #restartLater(node: SimNode<M, R, O, C>): void {
    this.#later(() => {
      if (!node.alive) node.start()
    })
  }

  #pause(): boolean {
    const node = this.#living()
    if (node === null) return false
    node.pause()
    this.#later(() => node.resume())
    return true
  }

  #slow(what: 'slowDiskMs' | 'slowMachineMs'): boolean {
    const { disturbance } = this.#cluster
    if (disturbance[what] > 0) return false
    disturbance[what] = what === 'slowDiskMs' ? this.#world.int(20, 600) : this.#world.int(1, 60)
    this.#later(() => {
      disturbance[what] = 0
    })
    return true
  }

  #transfer(): boolean {
    const leader = this.#leader()
    if (leader === null) return false
    const others = this.#cluster.ids.filter((id) => id !== leader.id)
    if (others.length === 0) return false
    leader.driver?.transferLeadership(pick(this.#world.random, others))
    return true
  }
}
