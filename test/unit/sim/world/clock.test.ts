import { describe, expect, it } from 'vitest'
import { NodeClock } from '../../../../src/sim/node/clock.js'

describe("a node's clock", () => {
  const at = { ms: 1_000 }
  const clock = (drift = 0) => {
    at.ms = 1_000
    return new NodeClock(() => at.ms, 50_000, drift)
  }

  it('begins anywhere and runs at its own rate', () => {
    const fast = clock(100)
    const before = fast.read()
    at.ms += 1_000
    expect(fast.read() - before).toBe(1_100)
  })

  it('leaps forward once', () => {
    const leapt = clock()
    const before = leapt.read()
    leapt.leap(3_600_000)
    at.ms += 10
    expect(leapt.read() - before).toBe(3_600_010)
  })

  it('stands while it is frozen, and goes on from there', () => {
    const frozen = clock()
    frozen.freeze()
    const before = frozen.read()
    at.ms += 5_000
    expect(frozen.read()).toBe(before)
    frozen.thaw()
    at.ms += 7
    expect(frozen.read()).toBe(before + 7)
  })

  it('drifts for a while without a jump, and returns to its own rate', () => {
    const drifting = clock(20)
    const before = drifting.read()
    drifting.drift(1_000)
    expect(drifting.read()).toBe(before)
    at.ms += 100
    drifting.drift(null)
    at.ms += 1_000
    expect(drifting.read() - before).toBe(200 + 1_020)
  })

  it('may begin earlier in a new life, and only then', () => {
    const restarted = clock()
    const before = restarted.read()
    restarted.restart(0)
    expect(restarted.read()).toBe(0)
    expect(restarted.read()).toBeLessThan(before)
  })
})
