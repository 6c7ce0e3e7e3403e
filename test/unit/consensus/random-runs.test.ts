/**
 * Clusters under a random scheduler: messages late, lost, twice and out of order, disks that sync when they like,
 * crashes that lose what was not synced. The cluster checks Election Safety, State Machine Safety and each node's
 * invariants at every step; here it must also come to an end: heal it, and it makes progress.
 */
import { describe, expect, it } from 'vitest'
import {
  chance,
  nextInt,
  pick,
  type RandomState,
  seededRandom,
  shuffled,
} from '../../../src/base/random.js'
import type { Options } from '../../../src/consensus/raft/index.js'
import { GATE } from '../../../src/consensus/raft/messages.js'
import { RaftCluster } from '../../support/raft-cluster.js'

const KINDS = {
  calm: { lose: 0.02, duplicate: 0.02, crash: 0.002, sync: 0.7 },
  stormy: { lose: 0.2, duplicate: 0.1, crash: 0.02, sync: 0.3 },
  slowDisks: { lose: 0.05, duplicate: 0.05, crash: 0.01, sync: 0.05 },
} as const

class Chaos {
  readonly c: RaftCluster
  readonly random: RandomState
  readonly #kind: (typeof KINDS)[keyof typeof KINDS]
  /** The requests that anybody applied, by seq. */
  readonly seen: Set<number> = new Set()
  #highestApplied = 0
  /** By number of the read: what had been applied anywhere when it was asked; it must see no less. */
  readonly #reads: number[] = []
  reads = 0

  constructor(seed: number, nodes: number, kind: keyof typeof KINDS) {
    this.random = seededRandom(seed)
    this.#kind = KINDS[kind]
    const options: Partial<Options> = {
      snapshotEntries: nextInt(this.random, 3, 30),
      keepEntries: pick(this.random, [0, 1, 10]),
      appendEntriesMax: nextInt(this.random, 1, 5),
    }
    this.c = new RaftCluster(
      Array.from({ length: nodes }, (_, i) => `n${i + 1}`),
      options,
    )
    for (const node of this.c.nodes.values()) node.autoSync = false
    this.c.onEffect = (id, effect) => {
      if (effect.type === 'Answer' && effect.outcome.type === 'ReadReady' && 'number' in effect.id)
        this.#checkRead(id, effect.id.number, effect.outcome.index)
      if (effect.type === 'Send' && effect.gate !== GATE[effect.message.type])
        throw new Error(`${effect.message.type} left by the wrong gate`)
      if (effect.type === 'Apply')
        for (const entry of effect.entries) {
          this.#highestApplied = Math.max(this.#highestApplied, entry.index)
          for (const request of entry.requests) this.seen.add(request.seq)
        }
    }
  }

  step(): void {
    const { c, random } = this
    const { lose, duplicate, crash, sync } = this.#kind
    const node = c.node(pick(random, c.ids))
    if (!node.isUp) {
      if (chance(random, 0.1)) node.start()
      return
    }
    if (chance(random, crash)) return node.crash(nextInt(random, 0, node.unsynced.length))
    if (chance(random, 0.3)) node.tick()
    if (chance(random, sync) && node.unsynced.length > 0)
      node.sync(nextInt(random, 1, node.unsynced.length))
    if (chance(random, 0.15)) c.propose(node.id, nextInt(random, 1, 3))
    if (chance(random, 0.1)) this.#read(node)
    if (node.taking !== null && chance(random, 0.2)) this.#endSnapshot(node)
    if (chance(random, 0.01)) node.step({ type: 'TransferLeadership', to: pick(random, c.ids) })
    for (let i = nextInt(random, 0, 4); i > 0 && c.flights.length > 0; i--) {
      // Mostly in order, sometimes from anywhere.
      const at = chance(random, 0.8) ? 0 : nextInt(random, 0, c.flights.length - 1)
      const flight = c.flights[at]
      if (flight === undefined) return
      if (chance(random, lose)) c.drop({ from: flight.from, to: flight.to })
      else c.deliverOne(flight, { keep: chance(random, duplicate) })
    }
    // A bound for what is on its way: the oldest is lost.
    while (c.flights.length > 200) c.flights.shift()
  }

  #read(node: ReturnType<RaftCluster['node']>): void {
    this.#reads.push(this.#highestApplied)
    const id = { incarnation: 1, number: this.#reads.length - 1 }
    node.step({ type: 'Read', id })
  }

  /** Linearizable: it sees all that had been applied before it was asked, and its node has applied that. */
  #checkRead(id: string, number: number, index: number): void {
    this.reads++
    const least = this.#reads[number] ?? 0
    if (index < least) throw new Error(`${id} reads at ${index}; ${least} had been applied`)
    if (this.c.node(id).core.state.lastApplied < index) throw new Error(`${id} reads the future`)
  }

  #endSnapshot(node: ReturnType<RaftCluster['node']>): void {
    if (chance(this.random, 0.8)) return node.finishSnapshot()
    const snapshot = node.taking
    if (snapshot === null) return
    node.taking = null
    node.step({ type: 'SnapshotFailed', snapshot })
  }

  /**
   * No more faults but for a minority that stays down, cut off, deaf or mute: soon one leads, a command goes
   * through, and the majority agrees.
   */
  heal(): void {
    const { c, random } = this
    c.flights = []
    const away = shuffled(random, c.ids).slice(0, nextInt(random, 0, (c.ids.length - 1) >> 1))
    const there = c.ids.filter((id) => !away.includes(id))
    for (const node of c.nodes.values()) {
      if (!node.isUp) node.start()
      node.autoSync = true
      node.sync()
    }
    for (const id of away) this.#cut(id)
    const before = this.seen.size
    for (let i = 0; i < 400; i++) {
      c.tickAll()
      c.settle()
      for (const node of c.nodes.values()) if (node.taking !== null) node.finishSnapshot()
      if (this.seen.size > before || i % 10 !== 0) continue
      const leads = there.find((id) => c.node(id).core.state.role.type === 'leader')
      if (leads !== undefined) c.propose(leads)
    }
    expect(this.seen.size).toBeGreaterThan(before)
    const states = there.map((id) => c.node(id).core.status())
    expect(new Set(states.map((state) => state.appliedIndex)).size).toBe(1)
    expect(new Set(states.map((state) => state.lastIndex)).size).toBe(1)
    expect(new Set(states.map((state) => state.leader)).size).toBe(1)
    expect(there).toContain(states[0]?.leader)
    // What anybody ever applied is still there: entries are never taken back (Leader Completeness, §5.4).
    expect(states[0]?.appliedIndex).toBe(this.#highestApplied)
  }

  #cut(id: string): void {
    const { c, random } = this
    const how = pick(random, ['down', 'cut off', 'deaf', 'mute'])
    if (how === 'down') return c.node(id).crash()
    for (const other of c.ids) {
      if (how !== 'mute') c.block(other, id)
      if (how !== 'deaf') c.block(id, other)
    }
  }
}

function run(nodes: number, kind: keyof typeof KINDS, seeds: number): void {
  let applied = 0
  let reads = 0
  for (let seed = 1; seed <= seeds; seed++) {
    const chaos = new Chaos(seed * 7919, nodes, kind)
    try {
      for (let i = 0; i < 1_500; i++) chaos.step()
      chaos.heal()
    } catch (error) {
      throw new Error(`seed ${seed}: ${String(error)}`, { cause: error })
    }
    applied += chaos.seen.size
    reads += chaos.reads
  }
  // Most runs must have done something before they were healed, or they show nothing.
  expect(applied).toBeGreaterThan(seeds * 5)
  expect(reads).toBeGreaterThan(seeds)
}

describe('random runs keep the promises, and end', () => {
  for (const kind of ['calm', 'stormy', 'slowDisks'] as const)
    for (const nodes of [1, 2, 3, 4, 5]) it(`${nodes} nodes, ${kind}`, () => run(nodes, kind, 8))
})
