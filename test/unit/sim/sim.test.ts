import { describe, expect, it } from 'vitest'
import { FAULT_KINDS, raftSim, runSeed } from '../../../src/sim/index.js'
import {
  appliesTwice,
  catchIt,
  countsItselfEarly,
  forgetsVote,
  gateOpen,
  lyingRefusal,
  staleReads,
} from './planted.js'

describe('a seed', () => {
  it('is one history: run twice it is the same, event for event', () => {
    for (const seed of [3, 11, 27]) {
      const once = runSeed({ sim: raftSim, seed })
      const again = runSeed({ sim: raftSim, seed })
      expect(again).toEqual(once)
    }
  })

  it('is not changed by being watched', () => {
    const lines: string[] = []
    const watched = runSeed({ sim: raftSim, seed: 4, trace: (line) => lines.push(line) })
    expect(watched).toEqual(runSeed({ sim: raftSim, seed: 4 }))
    expect(lines.length).toBeGreaterThan(1_000)
  })

  it('differs from the next one', () => {
    const hashes = [1, 2, 3, 4].map((seed) => runSeed({ sim: raftSim, seed }).traceHash)
    expect(new Set(hashes).size).toBe(4)
  })
})

describe('a seed whose kinds of fault are adjusted', () => {
  it('sees those, all of those, and no others', () => {
    const kinds = new Set(['message-lost', 'process-killed'] as const)
    const report = runSeed({
      sim: raftSim,
      seed: 2,
      adjust: (drawn) => ({ ...drawn, kinds, nodes: 3 }),
    })
    expect(Object.keys(report.faults).sort()).toEqual([...kinds])
    const quiet = { faultFree: true, kinds: new Set<never>() }
    const calm = runSeed({ sim: raftSim, seed: 2, adjust: (drawn) => ({ ...drawn, ...quiet }) })
    expect(calm.faults).toEqual({})
    expect(calm.verdict).toBe('ok')
  })
})

describe('Raft', () => {
  it('survives a swarm of seeds that really did something', () => {
    const faults = new Map<string, number>()
    let voided = 0
    for (let seed = 1; seed <= 30; seed++) {
      const report = runSeed({ sim: raftSim, seed })
      expect(report.failure, `seed ${seed}`).toBeNull()
      if (report.verdict === 'void') voided++
      expect(report.undecided).toBe(0)
      for (const [kind, count] of Object.entries(report.faults))
        faults.set(kind, (faults.get(kind) ?? 0) + count)
    }
    expect(voided).toBeLessThanOrEqual(1)
    // Members of Raft do not lie: they believe each other.
    const kinds = FAULT_KINDS.filter((kind) => !kind.startsWith('byzantine-'))
    expect([...faults.keys()].sort()).toEqual(kinds.sort())
  })
})

describe('a planted bug is caught:', () => {
  const planted = {
    gateOpen,
    countsItselfEarly,
    forgetsVote,
    staleReads,
    appliesTwice,
    lyingRefusal,
  }
  const invariants: { readonly [name in keyof typeof planted]: readonly string[] } = {
    gateOpen: [
      'durable-match',
      'durable-commit',
      'one-vote',
      'durable-term',
      'one-leader',
      'durable-batch',
    ],
    countsItselfEarly: ['durable-commit', 'one-leader'],
    forgetsVote: ['durable-vote'],
    staleReads: ['read-index', 'linearizable', 'exactly-once'],
    appliesTwice: ['apply-order'],
    lyingRefusal: ['linearizable', 'exactly-once', 'liveness'],
  }
  for (const [name, sim] of Object.entries(planted)) {
    it(name, () => {
      const report = catchIt(sim, 200)
      expect(report).not.toBeNull()
      const expected: readonly string[] = invariants[name as keyof typeof planted]
      expect(expected).toContain(report?.failure?.invariant)
    })
  }
})
