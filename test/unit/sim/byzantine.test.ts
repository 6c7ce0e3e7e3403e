import { describe, expect, it } from 'vitest'
import { LIARS, type LiarKind } from '../../../src/byzantine/index.js'
import { pbftSim, runSeed, type SeedReport, type SwarmOptions } from '../../../src/sim/index.js'
import { run } from '../cli/run.js'

const KINDS = Object.keys(LIARS) as LiarKind[]
/** Starts and view changes, without which some have nothing to lie about; small logs, so that states are fetched. */
const faults = new Set(['process-killed', 'partition-isolate', 'message-lost'] as const)

function runWith(
  seed: number,
  liars: SwarmOptions['liars'],
  { nodes = 4, forMs = 2_000 } = {},
): SeedReport {
  return runSeed({
    sim: pbftSim,
    seed,
    forMs,
    demands: { operations: 60, faults: 0, progress: 5 },
    adjust: (drawn) => ({
      ...drawn,
      nodes,
      liars,
      kinds: faults,
      faultFree: false,
      snapshotEntries: 5,
      keepEntries: 1,
    }),
  })
}

describe('one of four lies', () => {
  it.each(KINDS)('%s: it acted, and nothing came of it', (kind) => {
    let acted = 0
    for (let seed = 1; acted === 0 && seed <= 12; seed++) {
      // Whoever is to be lied to about a state must have been left behind.
      const forMs = kind === 'wrong-parts' ? 8_000 : 2_000
      const report = runWith(seed, new Map([['n2', kind]]), { forMs })
      expect(report.failure).toBeNull()
      acted += report.faults[`byzantine-${kind}`] ?? 0
    }
    expect(acted).toBeGreaterThan(0)
  })
})

describe('two of seven lie', () => {
  it('each in a way of its own', () => {
    const report = runWith(
      3,
      new Map([
        ['n1', 'equivocate'],
        ['n2', 'forged-votes'],
      ]),
      { nodes: 7 },
    )
    expect(report.failure).toBeNull()
  })
})

describe('two of four lie, which is one too many', () => {
  it('two that tell two stories together split the honest, and it is seen', () => {
    const seen = new Set<string>()
    for (let seed = 1; seed <= 6; seed++) {
      const { failure } = runWith(
        seed,
        new Map([
          ['n1', 'equivocate'],
          ['n2', 'equivocate'],
        ]),
      )
      if (failure !== null) seen.add(failure.invariant)
    }
    expect(
      [...seen].some((one) => /committed-batch|state-machine-safety|state-hash/.test(one)),
    ).toBe(true)
  })

  it('two that tell clients the same lie are believed, and it is seen', () => {
    const seen = new Set<string>()
    for (let seed = 1; seed <= 6 && seen.size === 0; seed++) {
      const { failure } = runWith(
        seed,
        new Map([
          ['n1', 'wrong-replies'],
          ['n2', 'wrong-replies'],
        ]),
      )
      if (failure !== null) seen.add(failure.invariant)
    }
    expect([...seen]).toEqual([expect.stringMatching(/linearizable|exactly-once|believed-answer/)])
  })
})

describe('quorate sim --liars', () => {
  it('runs as many as it is told, and knows no other kinds', async () => {
    const pbft = ['sim', '--protocol', 'pbft', '--seed', '2', '--nodes', '4', '--for', '2s']
    const one = await run([...pbft, '--faults', 'none', '--liars', 'n3=silent'])
    expect(one.stdout).toContain('byzantine-silent')
    expect(one.code).toBe(0)
    const wrong = await run([...pbft, '--liars', 'n3=silence'])
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('did you mean silent?')])
    const raft = await run(['sim', '--faults', 'byzantine'])
    expect([raft.code, raft.stderr]).toEqual([2, expect.stringContaining('needs --protocol pbft')])
  })
})
