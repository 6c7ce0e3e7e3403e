import { describe, expect, it } from 'vitest'
import {
  casRegister,
  checkLinearizable,
  counterexampleRows,
  keyValue,
  lock,
  multiVersion,
  pictureOf,
  register,
} from '../../../src/check/index.js'
import { ANOMALIES, type AnomalyKind, plant } from '../../support/anomalies.mjs'
import { generate, randomFrom } from '../../support/histories.mjs'

const MODELS = {
  register: register(),
  'cas-register': casRegister(),
  kv: keyValue(),
  lists: keyValue(),
  lock: lock(),
  mvcc: multiVersion(),
}

/** bench/checker.mjs does the same at full size. */
describe('histories by seed', () => {
  it.each(Object.keys(MODELS) as (keyof typeof MODELS)[])('a correct %s is ok', (model) => {
    for (let seed = 1; seed <= 8; seed++) {
      const r = randomFrom(seed)
      const options = {
        seed,
        model,
        operations: 400,
        processes: r.pick([5, 50]),
        keys: r.pick([1, 5]),
        values: r.pick([5, 100, 'unique'] as const),
        infoRate: r.pick([0, 0.03]),
        failRate: 0.03,
      }
      const { verdict } = checkLinearizable(generate(options), MODELS[model], {
        stepsMax: 3_000_000,
      })
      expect(verdict, JSON.stringify(options)).toBe('ok')
    }
  })

  it.each(Object.keys(ANOMALIES) as AnomalyKind[])('a planted %s is found', (kind) => {
    const { model } = ANOMALIES[kind]
    let planted = 0
    for (let seed = 1; seed <= 6; seed++) {
      const processes = seed % 2 === 0 ? 50 : 5
      const events = generate({
        seed,
        model,
        operations: 400,
        processes,
        keys: 2,
        values: 'unique',
        infoRate: 0.02,
        failRate: 0.03,
      })
      const broken = plant(kind, events, randomFrom(seed))
      if (broken === null) continue
      planted++
      const { verdict, counterexample } = checkLinearizable(broken, MODELS[model], {
        stepsMax: 3_000_000,
      })
      expect(verdict, `seed ${seed}`).toBe('violation')
      // What is shown fails by itself, and the picture shows all of it.
      const shown = counterexample?.operations ?? []
      if (kind !== 'read of an old revision')
        expect(checkLinearizable(shown, MODELS[model]).verdict, `seed ${seed}`).toBe('violation')
      if (counterexample === null) continue
      const html = pictureOf(counterexample, { title: '<b>', subtitle: '' })
      expect(html).not.toContain('<b>')
      for (const { id } of shown) expect(html).toContain(`<title>#${id}, process`)
      expect(counterexampleRows(counterexample)).toHaveLength(shown.length + 1)
    }
    expect(planted).toBeGreaterThan(3)
  })

  it('a stale read comes down to the write, the write over it and the read', () => {
    const operation = (process: number, f: string, value: number | null, answer = value) => [
      { process, type: 'invoke' as const, f, value },
      { process, type: 'ok' as const, f, value: answer },
    ]
    const noise = Array.from({ length: 20 }, (_, i) => operation(2, 'write', 100 + i)).flat()
    const events = [
      ...operation(0, 'write', 1),
      ...noise,
      ...operation(1, 'read', null, 119),
      ...operation(0, 'write', 2),
      ...operation(1, 'read', null, 1),
      ...operation(2, 'read', null, 2),
    ]
    const { verdict, counterexample } = checkLinearizable(events, register())
    expect(verdict).toBe('violation')
    const shown = counterexample?.operations.map(({ f, input, output }) => [f, input ?? output])
    expect(shown?.length).toBeLessThanOrEqual(3)
    expect(shown?.at(-1)).toEqual(['read', 1])
  })

  it('a budget that runs out is unknown, never ok', () => {
    const events = generate({ seed: 1, model: 'kv', operations: 500, processes: 50, values: 5 })
    let asked = 0
    const result = checkLinearizable(events, keyValue(), { shouldStop: () => ++asked > 1 })
    expect(result).toMatchObject({ verdict: 'unknown', undecided: ['"k0"'] })
    expect(checkLinearizable(events, keyValue(), { stepsMax: 1 }).verdict).toBe('unknown')
  })
})
