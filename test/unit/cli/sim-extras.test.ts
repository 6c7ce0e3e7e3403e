import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { Doublecheck } from '../../../src/cli/sim/doublecheck.js'
import { historyLines } from '../../../src/cli/sim/history-lines.js'
import { parseFaults, parseFor } from '../../../src/cli/sim/job.js'
import { FAULT_GROUPS, type Recorded, raftSim, runSeed } from '../../../src/sim/index.js'
import { run } from './run.js'

const dir = mkdtempSync(join(tmpdir(), 'quorate-sim-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

describe('--faults', () => {
  it('takes groups and kinds, in any mixture', () => {
    expect(parseFaults('clock')).toEqual(FAULT_GROUPS.clock)
    expect(parseFaults('paused, clock')).toEqual(['paused', ...FAULT_GROUPS.clock])
    expect(() => parseFaults('clocks')).toThrow('did you mean clock?')
  })
})

describe('--for', () => {
  it('is a duration from a second to an hour', () => {
    expect([parseFor('30s'), parseFor('5m')]).toEqual([30_000, 300_000])
    for (const wrong of ['30', '10ms', '2h', '']) expect(() => parseFor(wrong)).toThrow('--for')
  })
})

describe('--doublecheck', () => {
  it('runs each seed in two processes, and they agree', async () => {
    const ran = await run(['sim', '--seeds', '1..3', '--for', '3s', '--jobs', '1', '--doublecheck'])
    expect(ran.stdout.trimEnd().split('\n').at(-1)).toBe('sim-raft: 3 passed, 0 failed, 0 skipped')
  })

  it('fails a seed that two processes report differently, be it in one count', () => {
    const report = runSeed({ sim: raftSim, seed: 2, forMs: 1_000 })
    const doublecheck = new Doublecheck()
    doublecheck.first(report)
    expect(doublecheck.second(report)).toBe(report)
    const other = doublecheck.second({ ...report, steps: report.steps + 1 })
    expect(other.verdict).toBe('failed')
    expect(other.failure?.invariant).toBe('determinism')
    expect(other.failure?.message).toContain('seed 2')
  })
})

describe('--history', () => {
  it('writes what the clients saw, and quorate check finds it linearizable', async () => {
    const file = join(dir, 'history.jsonl')
    const seed = ['sim', '--seed', '7', '--for', '5s', '--nodes', '3', '--history', file]
    expect((await run(seed)).code).toBe(0)
    const events = readFileSync(file, 'utf8').trimEnd().split('\n')
    expect(events.length).toBeGreaterThan(600)
    const checked = await run(['check', '--model', 'kv', file])
    expect([checked.code, checked.stdout]).toEqual([0, expect.stringContaining('linearizable')])
  })

  it('gives a process one operation at a time, and none to one that waits for ever', () => {
    const op = (change: Partial<Recorded>): Recorded => ({
      operation: { type: 'Get', key: 1 },
      invokedAt: 0,
      completedAt: Number.POSITIVE_INFINITY,
      outcome: 'ok',
      number: 0,
      list: [],
      ...change,
    })
    const lines = historyLines([
      op({ invokedAt: 0, outcome: 'unknown', operation: { type: 'Write', key: 1, value: 5 } }),
      op({ invokedAt: 1, completedAt: 3, number: 5 }),
      op({
        invokedAt: 2,
        completedAt: 5,
        operation: { type: 'Cas', key: 1, expected: 4, value: 6 },
      }),
      op({ invokedAt: 4, completedAt: 6, number: 5 }),
    ]).map((line) => JSON.parse(line))
    expect(lines.map(({ process, type, f }) => `${process} ${type} ${f}`)).toEqual([
      '0 invoke write',
      '1 invoke read',
      '2 invoke cas',
      '1 ok read',
      '1 invoke read',
      '2 fail cas',
      '1 ok read',
      '0 info write',
    ])
  })

  it('is of one seed', async () => {
    const ran = await run(['sim', '--seeds', '1..2', '--history', join(dir, 'no.jsonl')])
    expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining('--seed 42')])
  })
})
