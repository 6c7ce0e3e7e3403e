import { describe, expect, it } from 'vitest'
import {
  checkLinearizable,
  type HistoryEvent,
  multiVersion,
  type Operation,
  pairEvents,
  type Value,
} from '../../../src/check/index.js'
import { generate, randomFrom } from '../../support/histories.mjs'
import { tryEveryOrder } from './oracle.js'

interface Store {
  readonly revision: number
  readonly keys: ReadonlyMap<string, { readonly value: Value; readonly mod: number }>
  readonly past: readonly Store[]
}

/** Undefined where the answer does not fit. */
function step(store: Store, operation: Operation): Store | undefined {
  const { f, key, input, output, outcome, answer, asked } = operation
  const known = outcome === 'ok'
  const change = (name: string, value: Value | undefined): Store => {
    const keys = new Map(store.keys)
    if (value === undefined) keys.delete(name)
    else keys.set(name, { value, mod: store.revision + 1 })
    return { revision: store.revision + 1, keys, past: [...store.past, store] }
  }
  const fits = (after: Store) => (!known || answer.revision === after.revision ? after : undefined)
  switch (f) {
    case 'put':
      return fits(change(String(key), input))
    case 'delete': {
      const there = store.keys.has(String(key))
      if (known && answer.deleted !== (there ? 1 : 0)) return undefined
      return fits(there ? change(String(key), undefined) : store)
    }
    case 'get': {
      if (!known) return store
      const at = [...store.past, store].find(
        ({ revision }) => revision === (asked.at ?? store.revision),
      )
      if (at === undefined) return undefined
      const found = at.keys.get(String(key))
      if (JSON.stringify(output) !== JSON.stringify(found?.value ?? null)) return undefined
      if (answer.mod !== undefined && answer.mod !== (found?.mod ?? 0)) return undefined
      return fits(store)
    }
    default: {
      const { compare, success, failure } = input as unknown as {
        compare: [string, string, string, number][]
        success: [string, string, Value][]
        failure: [string, string][]
      }
      const holds = compare.every(([, k, , mod]) => (store.keys.get(k)?.mod ?? 0) === mod)
      if (known && (output as { succeeded: boolean }).succeeded !== holds) return undefined
      const [shown] =
        (output as { results?: { value: Value; mod: number }[] } | null)?.results ?? []
      const there = store.keys.get(failure[0]?.[1] ?? '')
      if (known && !holds && JSON.stringify(shown ?? null) !== JSON.stringify(there ?? null))
        return undefined
      const [put] = success
      return fits(holds && put !== undefined ? change(put[1], put[2]) : store)
    }
  }
}

/** Correct answers, of which some are changed a little. */
function scrambled(seed: number): HistoryEvent[] {
  const r = randomFrom(seed)
  const events = generate({
    seed,
    model: 'mvcc',
    operations: 6,
    processes: 3,
    keys: 2,
    values: 2,
    infoRate: 0.2,
    slowRate: 0.5,
  }).filter(({ f }) => f !== 'range')
  return events.map((event) => {
    if (event.type !== 'ok' || !r.chance(0.15)) return event
    const more = event.more ?? {}
    if (r.chance(0.5))
      return {
        ...event,
        more: { ...more, revision: Number(more.revision) + (r.chance(0.5) ? 1 : -1) },
      }
    return event.f === 'get' ? { ...event, value: r.pick(['v0', 'v1', null]) } : event
  })
}

describe('the multi-version model', () => {
  it('agrees with every order of small histories', () => {
    const counts = { ok: 0, violation: 0 }
    const empty: Store = { revision: 1, keys: new Map(), past: [] }
    for (let seed = 1; seed <= 2_000; seed++) {
      const operations = pairEvents(scrambled(seed))
      const expected = tryEveryOrder(operations, empty, step) ? 'ok' : 'violation'
      counts[expected]++
      const model = multiVersion()
      const why = `seed ${seed}: ${JSON.stringify(operations)}`
      expect(checkLinearizable(operations, model).verdict, why).toBe(expected)
      const search = { ...model, contradictionIn: () => null }
      expect(checkLinearizable(operations, search).verdict, `search, ${why}`).toBe(expected)
    }
    expect(Math.min(counts.ok, counts.violation)).toBeGreaterThan(100)
  })

  const put = (process: number, key: string, value: string, revision: number): HistoryEvent[] => [
    { process, type: 'invoke', f: 'put', key, value },
    { process, type: 'ok', f: 'put', key, value, more: { revision } },
  ]

  it('fills a revision that nobody answered with an unknown put, but only one that fits', () => {
    const lost = { process: 9, type: 'invoke', f: 'put', key: 'a', value: '2' } as const
    const read = (value: string): HistoryEvent[] => [
      { process: 1, type: 'invoke', f: 'get', key: 'a' },
      { process: 1, type: 'ok', f: 'get', key: 'a', value, more: { mod: 3, revision: 4 } },
    ]
    const history = (value: string) => [
      ...put(0, 'a', '1', 2),
      lost,
      ...put(0, 'b', 'x', 4),
      ...read(value),
    ]
    expect(checkLinearizable(history('2'), multiVersion()).verdict).toBe('ok')
    expect(checkLinearizable(history('3'), multiVersion()).verdict).toBe('violation')
    const without = history('2').filter((event) => event !== lost)
    expect(checkLinearizable(without, multiVersion()).verdict).toBe('violation')
  })

  it('starts at the revision it is told', () => {
    expect(checkLinearizable(put(0, 'a', '1', 8), multiVersion()).verdict).toBe('violation')
    expect(checkLinearizable(put(0, 'a', '1', 8), multiVersion({ revision: 7 })).verdict).toBe('ok')
  })
})
