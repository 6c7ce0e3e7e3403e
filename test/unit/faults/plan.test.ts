import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/random.js'
import {
  EVERY_PEER,
  type FaultPlan,
  fateOf,
  isBlocked,
  NO_FAULTS,
  problemOf,
  type TargetFaults,
} from '../../../src/faults/plan.js'

const SANE: TargetFaults = {
  nodeId: 'n2',
  loss: 0,
  duplication: 0,
  reorder: 0,
  delayMinMs: 0,
  delayMaxMs: 0,
}
const plan = (faults: Partial<TargetFaults>, blocked: string[] = []): FaultPlan => ({
  blocked,
  targets: [{ ...SANE, ...faults }],
})

/** When copies of messages sent at 0, 1, 2 ... ms arrive. */
function arrivals(
  p: FaultPlan,
  count: number,
  seed = 1,
  to = 'n2',
): { sent: number; at: number }[] {
  const random = seededRandom(seed)
  const link = { lastDueMs: 0 }
  const out: { sent: number; at: number }[] = []
  for (let sent = 0; sent < count; sent++) {
    const fate = fateOf(p, to, link, sent, random)
    if (fate.type === 'drop') continue
    for (const delay of fate.delaysMs) {
      expect(delay).toBeGreaterThanOrEqual(0)
      out.push({ sent, at: sent + delay })
    }
  }
  return out
}

describe('fateOf', () => {
  test('without faults every message goes at once', () => {
    expect(arrivals(NO_FAULTS, 50).every(({ sent, at }) => sent === at)).toBe(true)
  })

  test('a blocked target gets nothing; others are untouched', () => {
    const p = plan({}, ['n2'])
    expect(arrivals(p, 50)).toEqual([])
    expect(arrivals(p, 50, 1, 'n3')).toHaveLength(50)
    expect(isBlocked(p, 'n2')).toBe(true)
    expect(isBlocked(p, 'n3')).toBe(false)
  })

  test('loss and duplication come as often as they should', () => {
    const lost = 10_000 - arrivals(plan({ loss: 0.3 }), 10_000).length
    expect(Math.abs(lost - 3_000)).toBeLessThan(200)
    const twice = arrivals(plan({ duplication: 0.2 }), 10_000).length - 10_000
    expect(Math.abs(twice - 2_000)).toBeLessThan(200)
    expect(arrivals(plan({ loss: 1 }), 100)).toEqual([])
  })

  test('delays lie in their range, unless an earlier message is later; order stays', () => {
    const seen = arrivals(plan({ delayMinMs: 20, delayMaxMs: 80 }), 2_000)
    for (const [i, { sent, at }] of seen.entries()) {
      expect(at - sent).toBeGreaterThanOrEqual(20)
      expect(at - sent).toBeLessThanOrEqual(80)
      expect(at).toBeGreaterThanOrEqual(seen[i - 1]?.at ?? 0)
    }
    expect(new Set(seen.map(({ sent, at }) => at - sent)).size).toBeGreaterThan(20)
  })

  test('a message held back is overtaken by later ones', () => {
    const seen = arrivals(plan({ reorder: 0.1 }), 2_000)
    expect(seen).toHaveLength(2_000)
    const overtaken = seen.filter(({ at }, i) => seen.slice(i + 1).some((later) => later.at < at))
    expect(overtaken.length).toBeGreaterThan(100)
    expect(overtaken.length).toBeLessThan(400)
  })

  test('what was delayed is not overtaken because the plan was replaced', () => {
    const random = seededRandom(1)
    const link = { lastDueMs: 0 }
    fateOf(plan({ delayMinMs: 50, delayMaxMs: 50 }), 'n2', link, 0, random)
    expect(fateOf(NO_FAULTS, 'n2', link, 10, random)).toEqual({ type: 'deliver', delaysMs: [40] })
    expect(fateOf(NO_FAULTS, 'n2', link, 50, random)).toEqual({ type: 'deliver', delaysMs: [0] })
  })

  test('what is said of every peer holds for those that no other target names', () => {
    const random = seededRandom(1)
    const p: FaultPlan = {
      blocked: [],
      targets: [
        { ...SANE, nodeId: EVERY_PEER, loss: 1 },
        { ...SANE, nodeId: 'n2' },
      ],
    }
    const fate = (to: string) => fateOf(p, to, { lastDueMs: 0 }, 0, random).type
    expect(['n1', 'n2', 'n3'].map(fate)).toEqual(['drop', 'deliver', 'drop'])
  })

  test('the same seed gives the same fates', () => {
    const p = plan({ loss: 0.1, duplication: 0.1, reorder: 0.1, delayMinMs: 1, delayMaxMs: 30 })
    expect(arrivals(p, 500, 7)).toEqual(arrivals(p, 500, 7))
    expect(arrivals(p, 500, 7)).not.toEqual(arrivals(p, 500, 8))
  })
})

test.each([
  [{}, null],
  [{ loss: 1, delayMinMs: 5, delayMaxMs: 5 }, null],
  [{ loss: 1.1 }, 'loss is not between 0 and 1'],
  [{ duplication: -0.1 }, 'duplication is not between 0 and 1'],
  [{ reorder: Number.NaN }, 'reorder is not between 0 and 1'],
  [{ delayMinMs: 2, delayMaxMs: 1 }, 'delayMinMs is above delayMaxMs'],
  [{ delayMinMs: -1 }, 'delayMinMs is negative'],
  [{ delayMaxMs: 0.5 }, 'delayMaxMs is not a whole number of ms'],
  [{ delayMaxMs: 60_000 }, null],
  [{ delayMaxMs: 60_001 }, 'delayMaxMs is above 60000'],
])('problemOf %j', (faults, problem) => {
  expect(problemOf({ ...SANE, ...faults })).toBe(problem)
})
