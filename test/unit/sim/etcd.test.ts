import { describe, expect, it } from 'vitest'
import { etcdApplication, pbftSim, raftSim, runSeed } from '../../../src/sim/index.js'

describe("etcd's machine in the simulator", () => {
  it.each([5, 17])('Raft, seed %i: leases, watches and transactions under faults', (seed) => {
    const report = runSeed({
      sim: raftSim,
      seed,
      forMs: 4_000,
      application: etcdApplication({ wallClock: false }),
      adjust: (drawn) => ({ ...drawn, hopeless: false }),
    })
    expect(report.failure).toBeNull()
    expect(report.operations.ok).toBeGreaterThan(300)
  })

  it('PBFT: leases, watches and transactions', () => {
    const report = runSeed({
      sim: pbftSim,
      seed: 4,
      forMs: 2_000,
      application: etcdApplication({ wallClock: true }),
      adjust: (drawn) => ({ ...drawn, kinds: new Set(), faultFree: true, hopeless: false }),
    })
    expect(report.failure).toBeNull()
    expect(report.operations.ok).toBeGreaterThan(300)
  })
})
