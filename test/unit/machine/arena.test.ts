import { expect, test } from 'vitest'
import { nextInt, seededRandom } from '../../../src/base/random.js'
import { KvMachine } from '../../../src/machine/kv/kv-machine.js'
import { speak } from './helpers.js'

test('values that outlive compactions stay what they are, in at most twice the memory and a slab', () => {
  const random = seededRandom(7)
  let machine = new KvMachine()
  let kv = speak(machine)
  const model = new Map<string, string>()
  let most = 0
  for (let round = 0; round < 30; round++) {
    for (let i = 0; i < 1000; i++) {
      // Few keys change often, many seldom: the slabs of the seldom ones would fill with holes.
      const key = `k${nextInt(random, 0, nextInt(random, 0, 3000))}`
      if (nextInt(random, 0, 9) === 0) {
        kv.del({ key })
        model.delete(key)
      } else {
        const value = `${key}:${round}:`.repeat(nextInt(random, 0, 60))
        kv.put({ key, value })
        model.set(key, value)
      }
    }
    kv.compact(machine.revision)
    while (machine.collect(100)) {}
    let alive = 0
    for (const value of model.values()) alive += value.length
    most = Math.max(most, machine.settledBytes)
    expect(machine.settledBytes).toBeLessThanOrEqual(2 * alive + 2 * 65_536)
    expect(machine.eventsHeld).toBeLessThanOrEqual(1)
    const listed = kv.list({ key: '\0', rangeEnd: '\0' })
    expect(listed).toEqual([...model].map(([k, v]) => `${k}=${v}`).sort(byKey))
    if (round % 10 !== 9) continue
    const fresh = new KvMachine()
    fresh.restore(machine.snapshot())
    expect(fresh.hash()).toBe(machine.hash())
    machine = fresh
    kv = speak(machine)
  }
  // Else nothing was ever moved twice.
  expect(most).toBeGreaterThan(10 * 65_536)
})

function byKey(a: string, b: string): number {
  const [x, y] = [a.slice(0, a.indexOf('=')), b.slice(0, b.indexOf('='))]
  return x < y ? -1 : x > y ? 1 : 0
}
