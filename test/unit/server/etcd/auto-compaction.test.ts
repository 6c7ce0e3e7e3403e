import { expect, it } from 'vitest'
import { KvMachine } from '../../../../src/machine/kv/kv-machine.js'
import { AutoCompaction, type Retention } from '../../../../src/server/etcd/auto-compaction.js'
import type { EtcdDoor } from '../../../../src/server/etcd/door.js'
import { command, put } from '../../machine/helpers.js'

const MINUTE = 60_000

/** A store that grows by one revision a minute, looked at twice a minute. */
function setup(retention: Retention) {
  const kv = new KvMachine()
  let index = 0
  const apply = (bytes: Uint8Array) => kv.apply(bytes, { index: ++index, time: 0 })
  let leading = true
  const door: EtcdDoor = {
    serving: () => true,
    submit: async (bytes) => ({ type: 'Result', result: apply(bytes) }),
    read: async () => ({ type: 'Ready' }),
    query: (query) => kv.query(query),
    commandTimeoutMs: 1_000,
  }
  const at: [number, number][] = []
  let minute = 0
  const compaction = new AutoCompaction(
    {
      door,
      store: kv,
      leads: () => leading,
      compacted: (revision) => at.push([minute, revision]),
    },
    retention,
    0,
  )
  const run = async (minutes: number) => {
    for (const end = minute + minutes; minute < end; ) {
      apply(command.put(put({ key: 'k' })))
      for (const part of [0.25, 0.75]) {
        compaction.tick((minute + part) * MINUTE)
        await new Promise((resolve) => setImmediate(resolve))
      }
      minute++
    }
  }
  return {
    kv,
    at,
    run,
    lead: (does: boolean) => {
      leading = does
    },
  }
}

it('periodic: what is older than the period goes, each period', async () => {
  const { at, run, kv } = setup({ mode: 'periodic', ms: 30 * MINUTE })
  await run(29)
  expect(at).toEqual([])
  await run(61)
  expect(at.map(([minute]) => minute)).toEqual([30, 60])
  // Never younger than the period, and no more than a tenth of it older.
  for (const [minute, revision] of at) {
    const age = minute - (revision - 2)
    expect(age).toBeGreaterThanOrEqual(29)
    expect(age).toBeLessThanOrEqual(34)
  }
  expect(kv.compactRevision).toBe(at[1]?.[1])
})

it('a long period is looked at each hour', async () => {
  const { at, run } = setup({ mode: 'periodic', ms: 180 * MINUTE })
  await run(370)
  expect(at.map(([minute]) => minute)).toEqual([180, 240, 300, 360])
})

it('by revision: all but the newest so many go, every five minutes', async () => {
  const { at, run } = setup({ mode: 'revision', revisions: 8 })
  await run(21)
  // Revision m + 2 in minute m.
  expect(at).toEqual([
    [10, 4],
    [15, 9],
    [20, 14],
  ])
})

it('who does not lead compacts nothing, and once he leads he knows what is old', async () => {
  const { at, run, lead } = setup({ mode: 'periodic', ms: 30 * MINUTE })
  lead(false)
  await run(100)
  expect(at).toEqual([])
  lead(true)
  await run(1)
  expect(at).toHaveLength(1)
  expect(at[0]?.[1]).toBeGreaterThan(60)
})
