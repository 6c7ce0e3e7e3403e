/** What strikes act on: the nodes, the network and the disturbances of one run, without a word of any protocol. */
import type { NodeId } from '../../consensus/ids.js'
import type { Operation } from '../../wal/memory-file-system.js'
import { Atlas } from '../atlas.js'
import type { CrashKind, SimDisk } from '../disk.js'
import type { FaultCounts } from '../faults.js'
import type { Network } from '../network.js'
import type { NodeClock } from '../node/clock.js'
import type { ClientCut } from '../node/door.js'
import type { Backup } from '../node/foreign-disk.js'
import type { Identity } from '../node/identity.js'
import type { Expected } from '../node/moments.js'
import type { Disturbance } from '../node-context.js'
import type { SwarmOptions } from '../swarm.js'
import type { World } from '../world.js'
import type { Target } from './strike.js'

/** A node, as far as it can be struck. */
export interface StruckNode {
  readonly id: NodeId
  readonly alive: boolean
  readonly paused: boolean
  /** It lives, is awake, and takes itself for the leader. */
  readonly leads: boolean
  /** As far as it knows; 0 for one that is down. */
  readonly commitIndex: number
  /** Something is still to strike it. */
  readonly armed: boolean
  readonly clock: NodeClock
  readonly disk: SimDisk
  start(): void
  kill(how: CrashKind): void
  killAtEffect(count: number, how: CrashKind): void
  killAtDiskCall(operation: Operation, call: FatalCall): void
  expect(expected: Expected | null): void
  readonly identity: Identity
  readonly hasForeignDisk: boolean
  backup(): Backup
  exchangeDisk(copy: Backup | null): void
  putDiskBack(): void
  pause(): void
  resume(): void
  disarm(): void
  cutClients(cut: ClientCut): void
  transferLeadership(to: NodeId): void
}

/** Which call of a kind is the last one, how it ends then, and about how long after the call (ms). */
export interface FatalCall {
  readonly nth: number
  readonly msMax: number
  readonly how: CrashKind
}

/** How often one that may die any moment is looked after. */
const WATCH_MS = 100

export class Stage {
  readonly world: World
  readonly swarm: SwarmOptions
  readonly counts: FaultCounts
  readonly nodes: readonly StruckNode[]
  readonly network: Network
  readonly disturbance: Disturbance
  readonly atlas: Atlas
  readonly quorum: (n: number) => number
  readonly noted: (event: string) => void
  #committedThrough = 0
  /** False once the faults have ended: nothing that was to be undone is undone twice. */
  active = false

  constructor(parts: {
    readonly world: World
    readonly swarm: SwarmOptions
    readonly counts: FaultCounts
    readonly nodes: readonly StruckNode[]
    readonly network: Network
    readonly disturbance: Disturbance
    /** How many of so many can go on. */
    readonly quorum: (n: number) => number
    readonly noted: (event: string) => void
  }) {
    this.world = parts.world
    this.swarm = parts.swarm
    this.counts = parts.counts
    this.nodes = parts.nodes
    this.network = parts.network
    this.disturbance = parts.disturbance
    this.quorum = parts.quorum
    this.noted = parts.noted
    const { hopeless } = parts.swarm
    const committed = () => this.#committed()
    this.atlas = new Atlas(parts.world.seed, { ids: this.ids, hopeless, committed })
  }

  /** What was committed stays so, whoever knows of it at this moment. */
  #committed(): number {
    for (const { commitIndex } of this.nodes)
      this.#committedThrough = Math.max(this.#committedThrough, commitIndex)
    return this.#committedThrough
  }

  get ids(): NodeId[] {
    return this.nodes.map((node) => node.id)
  }

  /** Unless the faults have ended by then. */
  later(ms: number, task: () => void): void {
    this.world.after(ms, () => {
      if (this.active) task()
    })
  }

  leader(nth: number): StruckNode | null {
    const leaders = this.nodes.filter((node) => node.leads)
    return leaders[nth % leaders.length] ?? null
  }

  /** Null when nobody is awake. */
  resolve(target: Target): StruckNode | null {
    const leader = target.rule === 'leader' ? this.leader(target.nth) : null
    if (leader !== null) return leader
    const living = this.nodes.filter((node) => node.alive && !node.paused)
    return living[target.nth % living.length] ?? null
  }

  /** All nodes, living or dead, from the one that is meant on. */
  from(target: Target): StruckNode[] {
    const leader = target.rule === 'leader' ? this.leader(target.nth) : null
    const first = leader === null ? target.nth % this.nodes.length : this.nodes.indexOf(leader)
    return [...this.nodes.slice(first), ...this.nodes.slice(0, first)]
  }

  /** The ids in the drawn order; the one that is struck comes first if it is a leader that is wanted. */
  ordered(order: readonly number[], target: Target): NodeId[] {
    const ids = order.flatMap((at) => this.nodes[at]?.id ?? [])
    const first = target.rule === 'leader' ? this.leader(target.nth)?.id : undefined
    if (first === undefined) return ids
    return [first, ...ids.filter((id) => id !== first)]
  }

  restartLater(node: StruckNode, ms: number): void {
    this.later(ms, () => {
      if (!node.alive) node.start()
    })
  }

  /** For one that may die any moment: it is started again some time after it did, and `started` told. */
  lookAfter(node: StruckNode, ms: number, started: () => void = () => {}): void {
    const watch = () => {
      if (!node.alive) {
        node.start()
        started()
      } else if (node.armed) this.later(WATCH_MS, watch)
    }
    this.later(ms, watch)
  }
}
