import { describe, expect, it } from 'vitest'
import { pbftSim, raftSim, runSeed, type SwarmOptions } from '../../../src/sim/index.js'

const kinds = new Set(['process-killed', 'message-lost', 'partition-isolate'] as const)
const five = (drawn: SwarmOptions): SwarmOptions => ({
  ...drawn,
  nodes: 5,
  kinds,
  faultFree: false,
  hopeless: false,
})

describe('the faulty phase', () => {
  it('lasts as long as asked', () => {
    const short = runSeed({ sim: raftSim, seed: 8, forMs: 5_000, adjust: five })
    const long = runSeed({ sim: raftSim, seed: 8, forMs: 45_000, adjust: five })
    expect([short.verdict, long.verdict]).toEqual(['ok', 'ok'])
    expect(long.simulatedMs).toBeGreaterThan(45_000)
    expect(long.simulatedMs - short.simulatedMs).toBeGreaterThan(20_000)
  })
})

describe('the healing', () => {
  it('is of a random majority first, which differs from seed to seed, and the rest stays dead meanwhile', () => {
    const quorums = new Set<string>()
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const lines: string[] = []
      const report = runSeed({
        sim: raftSim,
        seed,
        forMs: 3_000,
        adjust: five,
        trace: (line) => lines.push(line),
      })
      expect(report.failure).toBeNull()
      const quorum = report.quorum ?? []
      expect(quorum).toHaveLength(3)
      quorums.add(quorum.join())
      const ends = lines.findIndex((line) => line.includes('faults end; who goes on'))
      const rest = lines.findIndex((line) => line.includes('the rest starts again'))
      expect(ends).toBeGreaterThan(0)
      expect(rest).toBeGreaterThan(ends)
      const started = (from: number, to: number) =>
        new Set(lines.slice(from, to).flatMap((line) => / (n\d): starts$/.exec(line)?.[1] ?? []))
      const dead = ['n1', 'n2', 'n3', 'n4', 'n5'].filter((id) => !quorum.includes(id))
      for (const id of dead) expect(started(ends, rest)).not.toContain(id)
      for (const id of dead) expect(started(rest, lines.length)).toContain(id)
    }
    expect(quorums.size).toBeGreaterThan(2)
  })

  it('is of all where a disk may have lost what others keep', () => {
    const rot = (drawn: SwarmOptions): SwarmOptions => ({
      ...five(drawn),
      kinds: new Set([...kinds, 'bit-rot'] as const),
    })
    expect(runSeed({ sim: raftSim, seed: 8, forMs: 3_000, adjust: rot }).quorum).toBeNull()
  })
})

describe('marks', () => {
  it('are sixty at least, each with a sentence, and a report names no other', () => {
    const table: { readonly [mark: string]: string } = raftSim.marks
    expect(Object.keys(table).length).toBeGreaterThanOrEqual(60)
    for (const sentence of Object.values(table)) expect(sentence).toMatch(/^[A-Z].{20,}\.$/)
    const { marks } = runSeed({ sim: raftSim, seed: 5, adjust: five })
    expect(Object.keys(marks).length).toBeGreaterThan(20)
    for (const mark of Object.keys(marks)) expect(table).toHaveProperty([mark])
  })

  it('are thirty at least of PBFT, each with a sentence, and a report names no other', () => {
    const table = pbftSim.marks
    expect(Object.keys(table).length).toBeGreaterThanOrEqual(30)
    for (const sentence of Object.values(table)) expect(sentence).toMatch(/^[A-Z].{20,}\.$/)
    const { marks } = runSeed({ sim: pbftSim, seed: 9, forMs: 4_000 })
    expect(Object.keys(marks).length).toBeGreaterThan(15)
    for (const mark of Object.keys(marks)) expect(table).toHaveProperty([mark])
  })

  it('are not there where nothing went wrong', () => {
    const quiet = { faultFree: true, kinds: new Set<never>(), nodes: 3, clockDriftMax: 0 }
    const { marks } = runSeed({
      sim: raftSim,
      seed: 5,
      forMs: 3_000,
      adjust: (drawn) => ({ ...drawn, ...quiet }),
    })
    for (const mark of ['torn-tail-cut', 'log-truncated', 'leader-overtaken', 'log-damaged'])
      expect(marks).not.toHaveProperty([mark])
  })
})
