import { expect, it } from 'vitest'
import { KvMachine } from '../../../src/machine/kv/kv-machine.js'
import { GarbageCollector } from '../../../src/node/garbage.js'
import { speak } from '../machine/helpers.js'

it('what a compaction gave up is freed where no command comes, in slices', () => {
  const kv = new KvMachine()
  const tasks: (() => void)[] = []
  let now = 0
  // Each look at the clock finds it one further: a slice looks twice.
  const garbage = new GarbageCollector((events) => kv.collect(events), {
    now: () => now++,
    soon: (task) => tasks.push(task),
  })
  kv.listen({ changed: () => {}, restored: () => {}, compacted: () => garbage.start() })
  const { put, compact } = speak(kv)
  for (let i = 0; i < 1_000; i++) put({ key: `k${i % 10}`, value: String(i) })
  const held = kv.eventsHeld
  compact(991)
  expect(tasks).toHaveLength(1)
  let slices = 0
  for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) {
    const before = kv.eventsHeld
    task()
    expect(before - kv.eventsHeld).toBeLessThanOrEqual(256)
    slices++
  }
  expect(slices).toBeGreaterThan(3)
  expect([held, kv.eventsHeld]).toEqual([1_000, 11])
})
