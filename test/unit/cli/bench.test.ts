import { describe, expect, it } from 'vitest'
import { hasRepeats, percentile, runLoad } from '../../../src/cli/bench/load.js'
import { benchCells, benchJson, measured, workBetween } from '../../../src/cli/bench/report.js'
import { PBFT_SCENARIOS } from '../../../src/cli/bench/scenarios.js'
import { ClientError } from '../../../src/client/index.js'
import type { StatusResponse } from '../../../src/gen/quorate/v1/quorate.js'

const sorted = (...values: number[]) => Float64Array.from(values)

describe('samples', () => {
  it('percentiles are of what was measured', () => {
    const hundred = sorted(...Array.from({ length: 100 }, (_, i) => i + 1))
    expect(percentile(hundred, 0.5)).toBe(51)
    expect(percentile(hundred, 0.99)).toBe(100)
    expect(percentile(sorted(7), 0.99)).toBe(7)
    expect(percentile(sorted(), 0.5)).toBe(0)
  })

  it('a revision told twice is seen', () => {
    expect(hasRepeats(sorted(1, 2, 3))).toBe(false)
    expect(hasRepeats(sorted(1, 2, 2, 3))).toBe(true)
    expect(hasRepeats(sorted())).toBe(false)
  })
})

describe('a load', () => {
  it('keeps so many under way, counts what ended, and tells errors by kind', async () => {
    let underWay = 0
    let most = 0
    const seen = new Set<number>()
    const result = await runLoad({
      concurrency: 7,
      warmUpMs: 20,
      measureMs: 100,
      operation: async (n) => {
        seen.add(n)
        most = Math.max(most, ++underWay)
        await new Promise(setImmediate)
        underWay--
        if (n % 10 === 3) throw new ClientError('Indeterminate', 'lost')
        if (n % 10 === 4) throw new ClientError('Overloaded', 'full')
        return n
      },
    })
    expect(most).toBe(7)
    const errors = [...result.errors.values()].reduce((sum, count) => sum + count, 0)
    // Every operation ended once, well or not.
    expect(result.acknowledged + errors).toBe(seen.size)
    expect(result.errors.get('Indeterminate')).toBe(result.unknown)
    expect(result.unknown).toBeGreaterThan(0)
    expect(result.revisions.length).toBe(result.acknowledged)
    expect(hasRepeats(result.revisions)).toBe(false)
    // The warm-up is not in the figures.
    expect(result.latenciesMs.length).toBeLessThan(result.acknowledged)
    expect(result.latenciesMs.length).toBeGreaterThan(0)
  })

  it('does not hide a bug as an error of the cluster', async () => {
    const operation = () => Promise.reject(new TypeError('a bug'))
    const load = runLoad({ concurrency: 1, warmUpMs: 0, measureMs: 10, operation })
    await expect(load).rejects.toThrow('a bug')
  })
})

describe('a report', () => {
  const status = (name: string, counters: Record<string, number>) =>
    ({
      name,
      counters: Object.entries(counters).map(([name, value]) => ({ name, value })),
    }) as unknown as StatusResponse
  const nodes = workBetween(
    [status('n1', { wal_syncs: 5, wal_bytes: 1_000 }), status('n2', {})],
    [status('n1', { wal_syncs: 25, wal_bytes: 2_001_000 }), status('n2', {})],
  )

  it('tells the disk work of the measured time, and what a node does not count', () => {
    expect(nodes).toEqual([
      { name: 'n1', fdatasyncs: 20, walBytes: 2_000_000 },
      { name: 'n2', fdatasyncs: null, walBytes: null },
    ])
  })

  it('has the agreed fields', () => {
    const row = measured(
      'unary-1',
      {
        latenciesMs: sorted(1, 2, 3.00049, 4),
        elapsedMs: 2_000,
        acknowledged: 5,
        unknown: 1,
        errors: new Map([['Indeterminate', 1]]),
        revisions: sorted(2, 3, 4, 5, 6),
        clientCpu: 0.5,
      },
      5,
      nodes,
    )
    expect(row).toMatchObject({
      name: 'unary-1',
      opsPerSecond: 2,
      p50Ms: 3,
      p99Ms: 4,
      errors: 1,
      acknowledged: 5,
    })
    expect(benchCells(row).slice(-2)).toEqual(['20 ?', '2.0 ?'])
    const json = JSON.parse(JSON.stringify(benchJson([row])))
    expect(json.commit).toMatch(/^([0-9a-f]{40}|unknown)$/)
    expect(json.cpus).toBeGreaterThan(0)
    expect(Object.keys(json.results[0])).toEqual(
      expect.arrayContaining(['name', 'opsPerSecond', 'p50Ms', 'p99Ms', 'errors']),
    )
  })
})

describe('what is measured over PBFT', () => {
  it('is the same over Raft, under names of its own', () => {
    const names = PBFT_SCENARIOS.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    const of = (protocol: string) =>
      PBFT_SCENARIOS.filter((one) => one.protocol === protocol).map((one) => ({
        ...one,
        protocol: '',
        name: one.name.slice(protocol.length),
      }))
    expect(of('pbft')).toEqual(of('raft'))
    expect(of('pbft').length).toBe(8)
  })

  it('100 identities are 100 clients, and what one client is asked at once is signed together', () => {
    const scenario = (name: string) => PBFT_SCENARIOS.find((one) => one.name === name)
    expect(scenario('pbft-100-1kb')).toMatchObject({
      clients: 100,
      concurrency: 100,
      valueBytes: 1_024,
    })
    expect(scenario('pbft-100-1kb')?.sharesConnections).toBe(undefined)
    expect(scenario('pbft-program-100-1kb')).toMatchObject({
      clients: 100,
      concurrency: 100,
      sharesConnections: true,
    })
    expect(scenario('pbft-shared-100-0b')).toMatchObject({
      clients: 1,
      concurrency: 100,
      valueBytes: 0,
    })
  })
})
