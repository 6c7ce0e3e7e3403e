import { expect, it } from 'vitest'
import { answered, failed, isLost, kept, waitMs } from '../../../src/client/core/keep-alive.js'

it('is asked for at a third of its time, counted from when the last answered question was sent', () => {
  const state = kept(9, 1_000)
  expect(state).toEqual({ ttlMs: 9_000, deadline: 10_000, nextAt: 4_000 })
  // The answer took 2 s: what is left is less by that.
  expect(waitMs(state, 3_000)).toBe(1_000)
  expect(answered(9, 4_000)).toEqual(kept(9, 4_000))
})

it('is tried again soon after a failure, without living longer', () => {
  const state = failed(kept(9, 0), 3_100)
  expect(state).toEqual({ ttlMs: 9_000, deadline: 9_000, nextAt: 4_000 })
  expect(failed(kept(60, 0), 20_000).nextAt).toBe(21_000)
})

it('is lost at its deadline, and looked at then at the latest', () => {
  const state = failed(kept(1, 0), 950)
  expect(waitMs(state, 960)).toBe(40)
  expect([isLost(state, 999), isLost(state, 1_000)]).toEqual([false, true])
  expect(waitMs(state, 2_000)).toBe(0)
})

it('is lost when the cluster does not know it', () => {
  expect(answered(0, 5)).toBeNull()
  expect(answered(-1, 5)).toBeNull()
})
