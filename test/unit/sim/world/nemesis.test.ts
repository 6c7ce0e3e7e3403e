import { describe, expect, it } from 'vitest'
import { Cluster } from '../../../../src/sim/cluster.js'
import {
  FAULT_GROUPS,
  FAULT_KINDS,
  FaultCounts,
  type FaultKind,
} from '../../../../src/sim/faults.js'
import { raftSim } from '../../../../src/sim/index.js'
import { ledgerApplication } from '../../../../src/sim/ledger-load.js'
import { STRIKE_KINDS } from '../../../../src/sim/nemesis/kinds.js'
import { Nemesis } from '../../../../src/sim/nemesis.js'
import type { ClientCut } from '../../../../src/sim/node/door.js'
import { sessionCodec } from '../../../../src/sim/sessions.js'
import { drawSwarm, masked, type SwarmOptions } from '../../../../src/sim/swarm.js'
import { Workload } from '../../../../src/sim/workload.js'
import { World } from '../../../../src/sim/world.js'

/** So long under strikes of these kinds, under load. */
function struck(
  kinds: readonly FaultKind[],
  adjust: Partial<SwarmOptions> = {},
  forMs = 6_000,
  { traced = false, seed = 5 } = {},
) {
  const drawn = drawSwarm(seed)
  const swarm = masked({
    ...drawn,
    faultFree: false,
    kinds: new Set(kinds),
    nodes: 5,
    nemesisMsMean: 150,
    ...adjust,
  })
  const lines: string[] = []
  const world = new World(seed, traced ? (line) => lines.push(line) : null)
  const counts = new FaultCounts()
  const cluster = new Cluster(world, counts, swarm, raftSim)
  const nemesis = new Nemesis(world, counts, swarm, cluster)
  const workload = new Workload({
    world,
    counts,
    options: swarm.workload,
    load: ledgerApplication.newLoad(world, swarm.workload, swarm),
    nodes: cluster.ids,
    door: cluster.door,
    session: sessionCodec,
  })
  cluster.start()
  const until = (ms: number) => {
    while (world.now < ms && world.step());
  }
  until(2_000)
  nemesis.start()
  until(2_000 + forMs)
  return { world, counts, cluster, nemesis, workload, lines, until }
}

function commitOf(cluster: ReturnType<typeof struck>['cluster']): number {
  return Math.max(...cluster.nodes.map((node) => node.core?.status().commitIndex ?? 0))
}

describe('the schedule', () => {
  it('is data: it survives being written down', () => {
    const { nemesis } = struck(FAULT_KINDS)
    expect(nemesis.executed.length).toBeGreaterThan(20)
    expect(JSON.parse(JSON.stringify(nemesis.executed))).toEqual(nemesis.executed)
    const ordinals = nemesis.executed.map(({ ordinal }) => ordinal)
    expect(ordinals).toEqual([...new Set(ordinals)].sort((a, b) => a - b))
  })

  it('leaves out what is muted and draws all the rest as before', () => {
    const kinds = ['process-killed', 'paused', 'partition-isolate'] as const
    const all = struck(kinds).nemesis.executed
    const out = new Set([1, 3, 4])
    const some = struck(kinds, { mutedStrikes: out }).nemesis.executed
    expect(some.some(({ ordinal }) => out.has(ordinal))).toBe(false)
    // Whom a strike meets depends on who is there; what was drawn does not.
    const drawn = (executed: typeof all) =>
      new Map(executed.map(({ met: _, ...strike }) => [strike.ordinal, strike]))
    const before = drawn(all)
    for (const [ordinal, strike] of drawn(some))
      if (before.has(ordinal)) expect(strike).toEqual(before.get(ordinal))
    expect(some.length).toBeGreaterThan(10)
  })

  it('strikes nobody when all of it is muted', () => {
    const mutedStrikes = new Set(Array.from({ length: 1_000 }, (_, i) => i))
    const { nemesis, counts } = struck(['process-killed', 'power-lost'], { mutedStrikes })
    expect(nemesis.executed).toEqual([])
    expect(counts.total).toBe(0)
  })
})

describe('every kind of strike', () => {
  for (const { kind } of STRIKE_KINDS)
    it(`${kind} strikes when it alone is enabled`, () => {
      // Not every seed lets a snapshot go.
      for (let seed = 5; seed < 15; seed++) {
        const { nemesis, counts } = struck([kind], { snapshotEntries: 5 }, 6_000, { seed })
        expect(nemesis.executed.every((strike) => strike.kind === kind)).toBe(true)
        if (counts.of(kind) > 0) return expect(nemesis.executed.length).toBeGreaterThan(0)
      }
      throw new Error('it never struck')
    })

  it('belongs to exactly one group', () => {
    const all = Object.values(FAULT_GROUPS).flat()
    expect(new Set(all).size).toBe(all.length)
    expect(all).toEqual(FAULT_KINDS)
  })
})

describe('what a strike does', () => {
  it('a ring leaves each its two neighbours, both ways', () => {
    const { nemesis, cluster, world, until } = struck(['partition-ring'], { outageMsMax: 3_000 })
    while (!cluster.network.isPartitioned) until(world.now + 10)
    for (const a of cluster.ids) {
      const seen = cluster.ids.filter((b) => b !== a && !cluster.network.isBlocked(a, b))
      expect(seen).toHaveLength(2)
      for (const b of seen) expect(cluster.network.isBlocked(b, a)).toBe(false)
    }
    expect(nemesis.executed.length).toBeGreaterThan(0)
  })

  it('a flapping partition comes and goes within one strike', () => {
    const { nemesis, cluster, world, until } = struck(['partition-flapping'], {
      outageMsMax: 3_000,
    })
    const long = () => nemesis.executed.findLast(({ durationMs }) => durationMs > 2_000)
    const before = long()?.ordinal
    while (long()?.ordinal === before) until(world.now + 1)
    const ordinal = nemesis.executed.at(-1)?.ordinal
    let flips = 0
    let was = true
    while (nemesis.executed.at(-1)?.ordinal === ordinal) {
      until(world.now + 1)
      if (cluster.network.isPartitioned !== was) flips++
      was = cluster.network.isPartitioned
    }
    expect(flips).toBeGreaterThan(1)
  })

  it('a crash loop kills one node several times', () => {
    const { nemesis, lines } = struck(['crash-loop'], {}, 6_000, { traced: true })
    const deaths = lines.filter((line) => line.includes(': dies'))
    expect(deaths.length).toBeGreaterThan(2 * nemesis.executed.length)
  })

  it('a client partition takes requests or answers, and leaves the nodes to themselves', () => {
    const { cluster, workload, world, until } = struck([], {}, 2_000)
    const during = (cut: ClientCut) => {
      for (const node of cluster.nodes) node.cutClients(cut)
      // What was on its way before arrives yet.
      until(world.now + 1_000)
      const before = { ok: workload.load.counts().ok, commit: commitOf(cluster) }
      until(world.now + 4_000)
      return {
        answered: workload.load.counts().ok - before.ok,
        committed: commitOf(cluster) - before.commit,
      }
    }
    expect(during('replies').answered).toBe(0)
    expect(during('replies').committed).toBeGreaterThan(0)
    expect(during('both')).toEqual({ answered: 0, committed: 0 })
    expect(during('none').answered).toBeGreaterThan(0)
  })

  it('faults end when they are told to: all live, nothing is cut or clogged', () => {
    const { nemesis, cluster, workload, world, until } = struck(FAULT_KINDS)
    nemesis.stop()
    workload.finish()
    until(world.now + 1_000)
    expect(cluster.network.isPartitioned).toBe(false)
    expect(cluster.nodes.every((node) => node.alive && !node.paused)).toBe(true)
    until(world.now + 15_000)
    expect(cluster.isConverged(new Set(cluster.ids))).toBe(true)
  })
})
