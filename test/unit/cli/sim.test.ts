import { describe, expect, it } from 'vitest'
import {
  addReport,
  idleKinds,
  isGood,
  newSummary,
  summaryLines,
} from '../../../src/cli/sim/summary.js'
import type { SeedReport } from '../../../src/sim/index.js'
import { run } from './run.js'

function report(seed: number, change: Partial<SeedReport> = {}): SeedReport {
  return {
    seed,
    protocol: 'raft',
    verdict: 'ok',
    failure: null,
    traceHash: '0',
    steps: 10,
    events: 20,
    simulatedMs: 1_000,
    nodes: 3,
    faultFree: false,
    kinds: ['message-lost', 'paused'],
    faults: { 'message-lost': 2 },
    operations: { ok: 300, failed: 0, unknown: 0 },
    undecided: 0,
    quorum: null,
    marks: {},
    notes: {},
    ...change,
  }
}

function summaryOf(reports: readonly SeedReport[]) {
  const summary = newSummary()
  for (const one of reports) addReport(summary, one)
  return summary
}

describe('a summary of seeds', () => {
  it('adds up', () => {
    const summary = summaryOf([report(1), report(2), report(3, { verdict: 'void' })])
    expect(isGood(summary)).toBe(true)
    const lines = summaryLines('sim-raft', summary)
    expect(lines.at(-1)).toBe('sim-raft: 2 passed, 0 failed, 1 skipped')
    expect(lines.join()).toContain('message-lost 6')
  })

  it('is not good with a failure, or when nothing was shown', () => {
    const failure = { invariant: 'x', message: 'y', atMs: 1, atStep: 1 }
    expect(isGood(summaryOf([report(1), report(2, { verdict: 'failed', failure })]))).toBe(false)
    expect(isGood(summaryOf([report(1, { verdict: 'void' })]))).toBe(false)
  })

  it('is not good when a kind of fault never struck in 200 seeds', () => {
    const seeds = Array.from({ length: 200 }, (_, i) => report(i))
    expect(idleKinds(summaryOf(seeds.slice(1)))).toEqual([])
    expect(idleKinds(summaryOf(seeds))).toEqual(['paused'])
    expect(isGood(summaryOf(seeds))).toBe(false)
    const struck = [...seeds.slice(1), report(7, { faults: { 'message-lost': 1, paused: 1 } })]
    expect(isGood(summaryOf(struck))).toBe(true)
  })
})

describe('quorate sim', () => {
  it('runs seeds in processes and ends with one line; the exit code says the same', async () => {
    const ran = await run(['sim', '--seeds', '1..3', '--jobs', '2', '--faults', 'none'])
    const last = ran.stdout.trimEnd().split('\n').at(-1) ?? ''
    const counts = /^sim-raft: (\d) passed, (\d) failed, (\d) skipped$/.exec(last)
    const [passed, failed, skipped] = (counts ?? []).slice(1).map(Number)
    expect([passed! + failed! + skipped!, ran.code]).toEqual([3, failed === 0 ? 0 : 1])
    // What is found here is the simulator's to fix; that a failure is told by its replay is ours.
    expect(ran.stdout.split('\n').filter((line) => line.startsWith('replay: '))).toHaveLength(
      failed!,
    )
  })

  it('takes nodes and faults, and tells in JSON what struck', async () => {
    const quiet = ['sim', '--seeds', '5', '--nodes', '1', '--faults', 'none', '--json']
    const ran = await run(quiet)
    expect(ran.code).toBe(0)
    expect(JSON.parse(ran.stdout)).toMatchObject({ passed: 1, failed: [], faults: {} })
    const some = await run(['sim', '--seeds', '5', '--faults', 'message-lost', '--json'])
    expect(Object.keys(JSON.parse(some.stdout).faults)).not.toContain('power-lost')
  })

  it('runs PBFT as well, and knows no third protocol', async () => {
    const args = ['sim', '--protocol', 'pbft', '--seeds', '4..5', '--for', '2s', '--jobs', '1']
    const ran = await run([...args, '--nodes', '4'])
    expect(ran.stdout.trimEnd().split('\n').at(-1)).toBe('sim-pbft: 2 passed, 0 failed, 0 skipped')
    expect(ran.stdout).toContain('prepared-carried-over')
    const third = await run(['sim', '--protocol', 'paxos'])
    expect([third.code, third.stderr]).toEqual([2, expect.stringContaining('raft or pbft')])
  })

  it('traces a seed, the same each time', async () => {
    const args = ['sim', '--seeds', '2', '--nodes', '3', '--faults', 'none', '--trace']
    const [a, b] = [await run(args), await run(args)]
    expect(a.stdout).toBe(b.stdout)
    expect(a.stdout.split('\n').length).toBeGreaterThan(100)
  })
})
