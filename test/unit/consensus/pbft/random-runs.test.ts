import { describe, expect, it } from 'vitest'
import { chance, nextInt, pick, seededRandom } from '../../../../src/base/random.js'
import { PbftCluster, type TestReplica } from '../../../support/pbft-cluster.js'

const SEEDS = Number(process.env.PBFT_SEEDS ?? 8)
const STEPS = 1_500

/** Random deliveries, losses, repeats, crashes at any unsynced moment, partitions; then all is well, and must end well. */
function run(seed: number, n: number): void {
  const random = seededRandom(seed)
  const cluster = new PbftCluster(n, { autoSync: false })
  const loss = pick(random, [0, 0.02, 0.1])
  const faults = Math.floor((n - 1) / 3)
  const asked = []
  const sync = (replica: TestReplica) => replica.sync()
  for (let step = 0; step < STEPS; step++) {
    const replica = pick(random, cluster.replicas)
    switch (nextInt(random, 0, 11)) {
      case 0:
        if (replica.isUp) replica.tick()
        break
      case 1:
        sync(replica)
        break
      case 2:
        if (asked.length < 60 && chance(random, 0.3))
          asked.push(...cluster.ask(chance(random, 0.5) ? cluster.ids : [replica.id]))
        break
      case 3:
        if (chance(random, 0.05) && cluster.up.length > n - faults) replica.crash()
        else if (!replica.isUp && chance(random, 0.3)) replica.restart()
        break
      case 4:
        if (chance(random, 0.02)) cluster.isolate(replica.id)
        else if (chance(random, 0.1)) cluster.heal()
        break
      case 5:
        cluster.runLater()
        break
      default: {
        if (cluster.flights.length === 0) break
        const flight = pick(random, cluster.flights)
        if (chance(random, loss)) cluster.flights = cluster.flights.filter((one) => one !== flight)
        else cluster.deliverOne(flight)
        if (chance(random, 0.05)) cluster.flights.push(flight)
        if (cluster.flights.length > 3_000) cluster.flights = cluster.flights.slice(1_500)
      }
    }
  }
  cluster.heal()
  for (const replica of cluster.replicas) if (!replica.isUp) replica.restart()
  for (let i = 0; i < 600; i++) {
    for (const replica of cluster.replicas) {
      replica.tick()
      replica.sync()
    }
    cluster.settle()
    for (const replica of cluster.replicas) replica.sync()
    cluster.settle()
    const last = cluster.replicas.map(({ core }) => core.state.lastExecuted)
    const waiting = cluster.replicas.some(({ core }) => core.state.waiting.size > 0)
    if (!waiting && new Set(last).size === 1) break
  }
  const last = cluster.replicas.map(({ core }) => core.state.lastExecuted)
  const waiting = cluster.replicas.map(({ core }) => core.state.waiting.size)
  expect({ last: new Set(last).size, waiting }, `seed ${seed}`).toEqual({
    last: 1,
    waiting: waiting.map(() => 0),
  })
}

describe('random runs of PBFT, honest replicas on bad networks and disks', () => {
  it(`four replicas, ${SEEDS} seeds: one order, and all is executed in the end`, () => {
    for (let seed = 1; seed <= SEEDS; seed++) run(seed, 4)
  })

  it(`seven replicas, ${SEEDS / 4} seeds`, () => {
    for (let seed = 1; seed <= SEEDS / 4; seed++) run(1_000 + seed, 7)
  })
})
