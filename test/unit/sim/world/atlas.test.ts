import { describe, expect, it } from 'vitest'
import { Atlas } from '../../../../src/sim/atlas.js'

const IDS = ['n1', 'n2', 'n3', 'n4', 'n5']

function atlas(seed: number, ids = IDS, hopeless = false, committed = 1_000) {
  return new Atlas(seed, { ids, hopeless, committed: () => committed })
}

/** Of each of the first indices, who may lose it alone. */
function losers(of: Atlas, ids: readonly string[], through = 400): string[][] {
  return Array.from({ length: through }, (_, i) => ids.filter((id) => of.mayLose(id, i + 1, i + 1)))
}

describe('the atlas', () => {
  it('lets at most one node lose any one entry, and over the seeds every node some', () => {
    const seen = new Set<string>()
    for (let seed = 1; seed <= 100; seed++) {
      for (const some of losers(atlas(seed), IDS)) {
        expect(some.length).toBeLessThanOrEqual(1)
        for (const id of some) seen.add(id)
      }
    }
    expect([...seen].sort()).toEqual(IDS)
  })

  it('lets one node at most lose what covers the blocks of all, and then no other anything', () => {
    let sole = 0
    for (let seed = 1; seed <= 100; seed++) {
      const of = atlas(seed)
      const all = IDS.filter((id) => of.mayLoseAll(id))
      expect(all.length).toBeLessThanOrEqual(1)
      if (all.length === 0) continue
      sole++
      for (const some of losers(of, IDS)) expect(some).toEqual(all)
    }
    expect(sole).toBeGreaterThan(25)
    expect(sole).toBeLessThan(75)
  })

  it('lets a stretch go only if all of it may', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const of = atlas(seed)
      for (const id of IDS) {
        const whole = of.mayLose(id, 1, 200)
        const each = losers(of, [id], 200).every((some) => some.length === 1)
        expect(whole).toBe(each)
      }
    }
  })

  it('keeps what may have one copy only: what is not committed yet', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const of = atlas(seed, IDS, false, 100)
      for (const id of IDS) if (!of.mayLoseAll(id)) expect(of.mayLose(id, 101, 101)).toBe(false)
    }
  })

  it('spares clusters in which nobody has a second copy', () => {
    for (const ids of [['n1'], ['n1', 'n2']])
      for (let seed = 1; seed <= 50; seed++)
        expect(losers(atlas(seed, ids), ids).flat()).toEqual([])
  })

  it('lets anything go when a seed is hopeless', () => {
    const of = atlas(1, ['n1'], true)
    expect(of.mayLoseAll('n1')).toBe(true)
    expect(of.mayLose('n1', 1, 100_000)).toBe(true)
  })
})
