import { expect, it } from 'vitest'
import { Pulse } from '../../../src/gateway/pulse.js'

/** A pulse whose clock and answers are the test's. */
function world(ask: () => Promise<void>) {
  const told: [boolean, string | null][] = []
  const clock = { now: 0 }
  const pulse = new Pulse({
    now: () => clock.now,
    ask,
    changed: (answers, why) => told.push([answers, why]),
  })
  const lookAt = async (ms: number) => {
    clock.now = ms
    pulse.look()
    // What the question met is told of in the turn.
    await new Promise(setImmediate)
  }
  return { pulse, told, clock, lookAt }
}

it('tells that nobody answers, and what the question met', async () => {
  const { told, lookAt } = world(() => Promise.reject(new Error('n1: refused; n2: refused')))
  await lookAt(0)
  await lookAt(2_900)
  expect(told).toEqual([])
  await lookAt(3_000)
  expect(told).toEqual([[false, 'n1: refused; n2: refused']])
})

it('asks only after a silence, and one question at a time', async () => {
  let asked = 0
  let answer = () => {}
  const { pulse, told, clock, lookAt } = world(() => {
    asked++
    return new Promise((resolve) => {
      answer = () => {
        pulse.answered()
        resolve()
      }
    })
  })
  await lookAt(0)
  await lookAt(500)
  expect(asked).toBe(1)
  answer()
  await lookAt(2_000)
  expect([asked, told]).toEqual([1, [[true, null]]])
  await lookAt(4_000)
  expect(asked).toBe(2)
  // Nobody answers this one: after ten seconds the cluster counts as gone, and no reason is known.
  await lookAt(10_600)
  expect([pulse.answers, told.at(-1)]).toEqual([false, [false, null]])
  clock.now = 11_000
  answer()
  expect([pulse.answers, told.at(-1)]).toEqual([true, [true, null]])
})
