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
import * as Log from '../../../src/consensus/raft/log.js'
import { GATE } from '../../../src/consensus/raft/messages.js'
import { RaftCluster } from '../../support/raft-cluster.js'
import type { TestNode as Node } from '../../support/raft-node.js'

const KINDS = {
  calm: { lose: 0.02, duplicate: 0.02, crash: 0.002, sync: 0.7, rot: 0 },
  stormy: { lose: 0.2, duplicate: 0.1, crash: 0.02, sync: 0.3, rot: 0 },
  slowDisks: { lose: 0.05, duplicate: 0.05, crash: 0.01, sync: 0.05, rot: 0 },
  rottenDisks: { lose: 0.05, duplicate: 0.05, crash: 0.02, sync: 0.6, rot: 0.7 },
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
  rotted = 0
  /** How often each rule fired. */
  readonly notes: Map<string, number> = new Map()

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
      if (effect.type === 'Note') {
        const { event } = effect.note
        this.notes.set(event, (this.notes.get(event) ?? 0) + 1)
      }
      if (effect.type === 'Apply')
        for (const entry of effect.entries) {
          this.#highestApplied = Math.max(this.#highestApplied, entry.index)
          for (const request of entry.requests) this.seen.add(request.seq)
        }
    }
  }

  /**
   * A stretch of its disk cannot be read any more, or its snapshot: only what some other disk holds, or there would be nothing to
   * wait for. Only a minority loses snapshots, since whoever has none cannot be elected.
   */
  #rot(node: Node): void {
    const { random } = this
    const index = this.c.ids.indexOf(node.id)
    const snapshot = node.recovered().core.state.log.snapshot
    if (chance(random, 0.2) && snapshot !== null && 2 * index + 2 < this.c.ids.length) {
      node.lostFiles.add(snapshot.index)
      this.rotted++
      return
    }
    if (node.disk.length < 3) return
    const from = nextInt(random, 1, node.disk.length - 2)
    const stretch = node.disk.slice(from, from + nextInt(random, 1, 4)).slice(0, -1)
    for (const batch of stretch) batch.damaged = true
    if (this.#heals(node)) this.rotted += stretch.length
    else for (const batch of stretch) batch.damaged = false
  }

  /** Every entry that this disk misses is on another, or under another's snapshot. */
  #heals(node: Node): boolean {
    const { log } = node.recovered().core.state
    const others = this.c.ids.filter((id) => id !== node.id)
    const disks = others.map((id) => this.c.node(id).recovered().core.state.log)
    const minority = 2 * this.c.ids.indexOf(node.id) + 2 < this.c.ids.length
    if (log.lostBase !== null && !minority) return false
    return log.holes.every((index) => {
      const id = { index, term: Log.termAt(log, index) ?? 0 }
      return disks.some((disk) => Log.hasContent(disk, id) || Log.snapshotIndex(disk) >= index)
    })
  }

  step(): void {
    const { c, random } = this
    const { lose, duplicate, crash, sync, rot } = this.#kind
    const node = c.node(pick(random, c.ids))
    if (!node.isUp) {
      if (chance(random, 0.1)) node.start()
      return
    }
    if (chance(random, crash)) {
      node.crash(nextInt(random, 0, node.unsynced.length))
      if (rot > 0 && chance(random, rot)) this.#rot(node)
      return
    }
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
    while (c.flights.length > 200) c.drop({ number: c.flights[0]?.number })
  }

  #read(node: Node): void {
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

  #endSnapshot(node: Node): void {
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
    c.drop()
    // What a rotten disk misses may be on one disk only: then all are needed.
    const mayBeAway = this.#kind.rot === 0 ? (c.ids.length - 1) >> 1 : 0
    const away = shuffled(random, c.ids).slice(0, nextInt(random, 0, mayBeAway))
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
  let rotted = 0
  const notes: Record<string, number> = {}
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
    rotted += chaos.rotted
    for (const [event, times] of chaos.notes) notes[event] = (notes[event] ?? 0) + times
  }
  // Most runs must have done something before they were healed, or they show nothing.
  expect(applied).toBeGreaterThan(seeds * 5)
  expect(reads).toBeGreaterThan(seeds)
  if (KINDS[kind].rot === 0) return
  expect(rotted).toBeGreaterThan(seeds)
  expect(notes['log-healed']).toBeGreaterThan(seeds)
  expect(notes['entries-filled']).toBeGreaterThan(seeds)
  expect(notes['repair-hopeless']).toBe(undefined)
}

describe('random runs keep the promises, and end', () => {
  for (const kind of ['calm', 'stormy', 'slowDisks'] as const)
    for (const nodes of [1, 2, 3, 4, 5]) it(`${nodes} nodes, ${kind}`, () => run(nodes, kind, 8))
  for (const nodes of [2, 3, 5])
    it(`${nodes} nodes, rotten disks`, () => run(nodes, 'rottenDisks', 12))
})
