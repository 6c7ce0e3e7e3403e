import { describe, expect, it } from 'vitest'
import { pbftSim, runSeed } from '../../../src/sim/index.js'

describe('PBFT in the simulator', () => {
  it.each([4, 7])('seed %i without faults: one order, linearizable, equal states', (seed) => {
    const report = runSeed({
      sim: pbftSim,
      seed,
      forMs: 2_000,
      adjust: (drawn) => ({
        ...drawn,
        nodes: 4,
        kinds: new Set(),
        faultFree: true,
        hopeless: false,
      }),
    })
    expect(report.failure).toBeNull()
    expect(report.nodes).toBe(4)
    expect(report.operations.ok).toBeGreaterThan(300)
  })
})
