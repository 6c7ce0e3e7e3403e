import { describe, expect, it } from 'vitest'
import { Bank, bankModel, simulateBank, workload } from '../../../examples/simulate/bank.js'
import { simulate } from '../../../src/sim/index.js'

describe('examples/simulate: a bank under all kinds of faults', () => {
  it('is well when it is right', () => {
    const report = simulateBank('none', 4)
    expect(report.failures).toEqual([])
    expect(report.ok).toBe(true)
    expect(report.passed + report.skipped).toBe(4)
    expect(report.operations.ok).toBeGreaterThan(200)
    expect(Object.keys(report.faults).length).toBeGreaterThan(5)
  }, 30_000)

  it('is caught when it overdraws, by its own invariant', () => {
    const { ok, failures } = simulateBank('overdraws', 1)
    expect(ok).toBe(false)
    expect(failures[0]).toMatchObject({ seed: 1, invariant: 'no-debts' })
    expect(failures[0]?.replay).toContain('seeds: [1], duration: 3000')
  })

  it('is caught when its snapshots lack an account, and the same seed fails again', () => {
    const { failures } = simulateBank('forgets-an-account-in-snapshots', 6)
    const [first] = failures
    expect(['state-hash', 'linearizable']).toContain(first?.invariant)
    const again = simulateBank('forgets-an-account-in-snapshots', [first?.seed ?? 0])
    expect(again.failures).toEqual([first])
  }, 30_000)
})

describe('simulate', () => {
  const quiet = { machine: () => new Bank(), workload, duration: 1_000, faults: [] }

  it('is caught by the model when answers are wrong and the state is right', () => {
    class Liar extends Bank {
      #asked = 0
      override query(query: Uint8Array): Uint8Array {
        return ++this.#asked % 5 === 0 ? new TextEncoder().encode('[7,1]') : super.query(query)
      }
    }
    const machine = () => new Liar()
    const { failures } = simulate({ ...quiet, machine, seeds: [3], check: { model: bankModel } })
    expect(failures[0]?.invariant).toBe('linearizable')
  })

  it('tells what a machine threw', () => {
    class Thrower extends Bank {
      override apply(): Uint8Array {
        throw new RangeError('no such account')
      }
    }
    const { failures } = simulate({ ...quiet, machine: () => new Thrower(), seeds: 1 })
    expect(failures[0]).toMatchObject({ invariant: 'RangeError', message: 'no such account' })
  })

  it('is the same twice, quiet where told, and of the size asked for', () => {
    const run = () => {
      const lines: string[] = []
      const report = simulate({ ...quiet, nodes: 5, seeds: [2], trace: (line) => lines.push(line) })
      return { report, lines }
    }
    const first = run()
    expect(run()).toEqual(first)
    expect(first.report).toMatchObject({ ok: true, passed: 1, faults: {} })
    const starts = first.lines.flatMap((line) => /n[1-9](?=: starts$)/.exec(line) ?? [])
    expect([...new Set(starts)]).toEqual(['n1', 'n2', 'n3', 'n4', 'n5'])
  })

  it('refuses options that make no sense', () => {
    expect(() => simulate({ ...quiet, nodes: 0 })).toThrow('nodes')
    expect(() => simulate({ ...quiet, duration: 0 })).toThrow('duration')
    expect(() => simulate({ ...quiet, seeds: [] })).toThrow('seeds')
    expect(() => simulate({ ...quiet, faults: ['rain' as 'disk'] })).toThrow('rain')
  })
})
