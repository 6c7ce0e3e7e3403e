import { describe, expect, it } from 'vitest'
import { chance, nextInt, type RandomState, seededRandom } from '../../../src/base/random.js'
import type { Recorded } from '../../../src/sim/checkers/history.js'
import { checkRegister } from '../../../src/sim/checkers/linearizable.js'
import { checkList } from '../../../src/sim/checkers/lists.js'

const NEVER = Number.POSITIVE_INFINITY

function op(
  operation: Recorded['operation'],
  from: number,
  to: number,
  result: number | readonly number[] | 'unknown' | 'failed',
): Recorded {
  const outcome = result === 'unknown' || result === 'failed' ? result : 'ok'
  return {
    operation,
    invokedAt: from,
    completedAt: outcome === 'ok' ? to : NEVER,
    outcome,
    number: typeof result === 'number' ? result : 0,
    list: typeof result === 'object' ? result : [],
  }
}
const write = (value: number, from: number, to: number, result: number | 'unknown' | 'failed') =>
  op({ type: 'Write', key: 1, value }, from, to, result)
const get = (from: number, to: number, result: number | 'unknown') =>
  op({ type: 'Get', key: 1 }, from, to, result)
const cas = (
  expected: number,
  value: number,
  from: number,
  to: number,
  result: number | 'unknown',
) => op({ type: 'Cas', key: 1, expected, value }, from, to, result)

describe('registers', () => {
  const cases: [string, Recorded[], 'ok' | 'violated'][] = [
    ['nothing', [], 'ok'],
    ['a write and a read', [write(1, 0, 1, 0), get(2, 3, 1)], 'ok'],
    ['a stale read', [write(1, 0, 1, 0), get(2, 3, 0)], 'violated'],
    ['a read beside the write', [write(1, 0, 5, 0), get(1, 2, 0), get(3, 4, 1)], 'ok'],
    ['a read that goes back', [write(1, 0, 5, 0), get(1, 2, 1), get(3, 4, 0)], 'violated'],
    ['a lost write', [write(1, 0, 1, 0), write(2, 2, 3, 0)], 'violated'],
    ['a write nobody made', [get(0, 1, 9)], 'violated'],
    ['an unknown write that is seen', [write(1, 0, 1, 'unknown'), get(2, 3, 1)], 'ok'],
    ['an unknown write that is not', [write(1, 0, 1, 'unknown'), get(2, 3, 0)], 'ok'],
    ['an unknown write, late', [write(1, 0, 1, 'unknown'), get(2, 3, 0), get(4, 5, 1)], 'ok'],
    [
      'an unknown write that comes and goes',
      [write(1, 0, 1, 'unknown'), get(2, 3, 1), get(4, 5, 0)],
      'violated',
    ],
    [
      'an unknown write seen before it began',
      [get(0, 1, 1), write(1, 2, 3, 'unknown')],
      'violated',
    ],
    ['a failed write that is seen', [write(1, 0, 1, 'failed'), get(2, 3, 1)], 'violated'],
    ['a swap', [write(1, 0, 1, 0), cas(1, 2, 2, 3, 1), get(4, 5, 2)], 'ok'],
    ['a swap that missed', [write(1, 0, 1, 0), cas(7, 2, 2, 3, 1), get(4, 5, 1)], 'ok'],
    [
      'a swap that missed and was made',
      [write(1, 0, 1, 0), cas(7, 2, 2, 3, 1), get(4, 5, 2)],
      'violated',
    ],
    [
      'two chains of unknown writes in the order of their ends',
      [
        write(1, 0, 1, 'unknown'),
        write(2, 0, 1, 'unknown'),
        get(2, 3, 2),
        write(3, 4, 5, 1),
        get(6, 7, 3),
      ],
      'ok',
    ],
  ]
  for (const [name, history, verdict] of cases)
    it(`${name}: ${verdict}`, () => expect(checkRegister(history)).toBe(verdict))

  it('agrees with trying every order, on small random histories', () => {
    const r = seededRandom(7)
    const verdicts = { ok: 0, violated: 0 }
    for (let i = 0; i < 4_000; i++) {
      const history = randomHistory(r)
      const expected = bruteForce(history) ? 'ok' : 'violated'
      verdicts[expected]++
      expect(checkRegister(history), JSON.stringify(history)).toBe(expected)
    }
    expect(verdicts.ok).toBeGreaterThan(500)
    expect(verdicts.violated).toBeGreaterThan(500)
  })

  it('judges long histories with many unknown writes at once', () => {
    const r = seededRandom(9)
    for (let i = 0; i < 20; i++) {
      const history = execution(r, 400, { overlap: 6, unknown: 0.3 })
      expect(checkRegister(history)).toBe('ok')
      const read = history.findLast((one) => one.operation.type === 'Get' && one.outcome === 'ok')
      if (read === undefined) continue
      read.number = 0
      expect(checkRegister(history)).toBe('violated')
    }
  })
})

/** A real execution: each operation takes effect somewhere within its interval. */
function execution(
  r: RandomState,
  length: number,
  options: { overlap: number; unknown: number },
): Recorded[] {
  let value = 0
  const history: Recorded[] = []
  for (let i = 1; i <= length; i++) {
    const from = 10 * i - nextInt(r, 0, 10 * options.overlap) + i / 1_000
    const to = 10 * i + nextInt(r, 1, 10 * options.overlap) + i / 1_000
    const lost = chance(r, options.unknown)
    if (chance(r, 0.4)) {
      history.push(get(from, to, lost ? 'unknown' : value))
    } else if (chance(r, 0.5)) {
      history.push(write(i, from, to, lost ? 'unknown' : value))
      value = i
    } else {
      const expected = chance(r, 0.5) ? value : nextInt(r, 0, i)
      history.push(cas(expected, i, from, to, lost ? 'unknown' : value))
      if (expected === value) value = i
    }
  }
  return history
}

function randomHistory(r: RandomState): Recorded[] {
  const history = execution(r, nextInt(r, 2, 6), { overlap: 2, unknown: 0.25 })
  if (chance(r, 0.7)) {
    const one = history[nextInt(r, 0, history.length - 1)]
    if (one?.outcome === 'ok') one.number = nextInt(r, 0, history.length)
  }
  return history
}

function bruteForce(history: readonly Recorded[]): boolean {
  const calls = history.filter((one) => one.outcome !== 'failed')
  const search = (left: readonly Recorded[], value: number): boolean => {
    if (left.every((one) => one.outcome !== 'ok')) return true
    const end = Math.min(...left.map((one) => one.completedAt))
    return left.some((one) => {
      if (one.invokedAt > end) return false
      const o = one.operation
      const known = one.outcome === 'ok'
      if (known && one.number !== value) return false
      const rest = left.filter((other) => other !== one)
      if (o.type === 'Get') return search(rest, value)
      if (o.type === 'Write') return search(rest, o.value)
      if (o.type === 'Cas') return search(rest, o.expected === value ? o.value : value)
      return false
    })
  }
  return search(calls, 0)
}

describe('lists', () => {
  const append = (value: number, from: number, to: number, result: number | 'unknown' | 'failed') =>
    op({ type: 'Append', key: 1, value }, from, to, result)
  const list = (from: number, to: number, result: readonly number[]) =>
    op({ type: 'List', key: 1 }, from, to, result)
  const cases: [string, Recorded[], number[], string | null][] = [
    ['all in place', [append(1, 0, 1, 1), append(2, 2, 3, 2), list(4, 5, [1, 2])], [1, 2], null],
    ['twice', [append(1, 0, 1, 1)], [1, 1], 'appended twice'],
    ['lost', [append(1, 0, 1, 1)], [], 'is lost'],
    ['failed and there', [append(1, 0, 1, 'failed')], [1], 'said to have failed'],
    ['unknown and there', [append(1, 0, 1, 'unknown')], [1], null],
    ['unknown and not', [append(1, 0, 1, 'unknown')], [], null],
    ['another place than told', [append(1, 0, 1, 1), append(2, 0, 1, 2)], [2, 1], 'was told place'],
    ['nobody appended it', [], [3], 'nobody appended'],
    ['a stale read', [append(1, 0, 1, 1), list(2, 3, [])], [1], 'began after'],
    ['a read beside it', [append(1, 0, 5, 1), list(2, 3, [])], [1], null],
    ['a read of another past', [append(1, 0, 1, 1), list(2, 3, [9])], [1], 'a read saw 9'],
    ['against real time', [append(1, 0, 1, 2), append(2, 2, 3, 1)], [2, 1], 'began after'],
    ['seen before it began', [list(0, 1, [1]), append(1, 2, 3, 'unknown')], [1], 'began after'],
  ]
  for (const [name, history, final, wrong] of cases)
    it(name, () => {
      const found = checkList(history, final)
      if (wrong === null) expect(found).toBeNull()
      else expect(found).toContain(wrong)
    })
})
