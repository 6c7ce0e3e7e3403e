import { describe, expect, it } from 'vitest'
import { pbftSim, runSeed } from '../../../src/sim/index.js'

/** Snapshots often, and little log behind them: whoever is away for a while needs the state. */
function run(seed: number, liar: string) {
  return runSeed({
    sim: pbftSim,
    seed,
    forMs: 5_000,
    adjust: (drawn) => ({
      ...drawn,
      hopeless: false,
      snapshotEntries: 10,
      keepEntries: 4,
      lyingSources: new Set([liar]),
    }),
  })
}

describe('a replica that lags past the log', () => {
  it('gets the state although one source lies about every part of it', () => {
    const counts = new Map<string, number>()
    for (const [seed, liar] of [
      [1, 'n2'],
      [7, 'n3'],
      [9, 'n2'],
    ] as const) {
      const { failure, notes } = run(seed, liar)
      expect(failure).toBeNull()
      for (const [name, count] of Object.entries(notes))
        counts.set(name, (counts.get(name) ?? 0) + count)
    }
    expect(counts.get('state-source-lied')).toBeGreaterThan(0)
    expect(counts.get('state-fetched')).toBeGreaterThan(2)
  })
})
