import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../../src/base/random.js'
import { utf8Encode } from '../../../../src/base/utf8.js'
import { Atlas } from '../../../../src/sim/atlas.js'
import type { Corruption } from '../../../../src/sim/disk/corruption.js'
import { FakeHasher } from '../../../../src/sim/disk/fake-hasher.js'
import { SimDisk } from '../../../../src/sim/disk.js'
import { World } from '../../../../src/sim/world.js'
import type { Wal } from '../../../../src/wal/wal.js'

const ANYTHING = new Atlas(1, { ids: ['n1'], hopeless: true, committed: () => 0 })
const NOTHING = new Atlas(1, { ids: ['n1'], hopeless: false, committed: () => 1_000 })

function disk(seed = 1) {
  const world = new World(seed)
  const injected: string[] = []
  const refusals: string[] = []
  const failures: string[] = []
  const one = new SimDisk(world, {
    nodeId: 'n1',
    syncMs: () => 1,
    segmentBytes: 4_096,
    newSnapshotHasher: () => new FakeHasher(),
    onInjected: (kind) => injected.push(kind),
    onRefusal: (message) => refusals.push(message),
    onFailure: (message) => failures.push(message),
    awake: (task) => task(),
  })
  const run = () => {
    while (world.step());
  }
  /** What a start finds; null: it did not come to that. */
  const open = () => {
    let found: { wal: Wal; batches: number[]; lost: number } | null = null
    one.open(({ wal, items }) => {
      const whole = items.filter((item) => item instanceof Uint8Array)
      const batches = whole.filter((item) => item[0] !== 0).map((item) => item[0] ?? 0)
      found = { wal, batches, lost: items.length - whole.length }
    })
    run()
    return found as { wal: Wal; batches: number[]; lost: number } | null
  }
  /** One byte tells the batch; synced one by one. */
  const write = (wal: Wal, from: number, to: number) => {
    let synced = 0
    for (let batch = from; batch <= to; batch++) {
      const payload = new Uint8Array(200).fill(batch)
      const shape = utf8Encode(`shape ${batch}`)
      one.appended(batch)
      wal.append(batch, payload, { lastIndex: batch, shape, stateRecord: () => new Uint8Array(8) })
      wal.sync((covered) => {
        one.synced(covered)
        synced = covered
      })
      run()
    }
    return synced
  }
  return { world, disk: one, open, write, run, injected, refusals, failures }
}

/** A disk with sixty batches on it, of a process that has ended. */
function written(seed = 1) {
  const t = disk(seed)
  const opened = t.open()
  if (opened === null) throw new Error('an empty disk was not opened')
  expect(t.write(opened.wal, 1, 60)).toBe(60)
  t.disk.crash('process')
  return t
}

const ALL = Array.from({ length: 60 }, (_, i) => i + 1)

describe('a disk that is used', () => {
  it('gives back what was synced, over any loss of power', () => {
    const t = written()
    t.disk.crash('power')
    expect(t.open()?.batches).toEqual(ALL)
  })

  it('fails the n-th call, once, and says so', () => {
    const t = disk()
    const opened = t.open()
    t.disk.faults.breakAfter(5)
    expect(t.disk.faults.willFail).toBe(true)
    if (opened !== null) t.write(opened.wal, 1, 20)
    expect(t.injected).toEqual(['disk-error'])
    expect(t.failures).toHaveLength(1)
    expect(t.disk.faults.willFail).toBe(false)
  })

  it('is full after some bytes, the last write short, and has room again later', () => {
    const t = disk()
    const opened = t.open()
    t.disk.faults.limit(700)
    const synced = opened === null ? 0 : t.write(opened.wal, 1, 20)
    expect(synced).toBeGreaterThan(0)
    expect(synced).toBeLessThan(20)
    expect(t.injected[0]).toBe('disk-full')
    expect(t.failures[0]).toContain('ENOSPC')
    t.disk.crash('process')
    t.disk.faults.limit(null)
    const again = t.open()
    expect(again?.batches.length).toBeGreaterThanOrEqual(synced)
    if (again !== null) expect(t.write(again.wal, again.wal.lastBatch + 1, 30)).toBe(30)
  })

  it('stalls without an error: what is asked meanwhile ends afterwards', () => {
    const t = disk()
    const opened = t.open()
    t.disk.faults.stallUntil(t.world.now + 10_000)
    const began = t.world.now
    expect(opened === null ? 0 : t.write(opened.wal, 1, 1)).toBe(1)
    expect(t.world.now - began).toBeGreaterThanOrEqual(10_000)
    expect(t.failures).toEqual([])
  })

  it('cannot read a spoilt sector until it is mended', () => {
    const t = written()
    expect(t.disk.spoil(seededRandom(3))).not.toBeNull()
    expect(t.open()).toBeNull()
    expect(t.failures[0]).toContain('EIO')
    expect(t.refusals).toEqual([])
    t.disk.crash('process')
    t.disk.mend()
    expect(t.open()?.batches).toEqual(ALL)
  })

  it('put back from a backup is as it was then; a new one is empty', () => {
    const t = disk()
    const opened = t.open()
    if (opened === null) throw new Error('not opened')
    t.write(opened.wal, 1, 20)
    const image = t.disk.image()
    t.write(opened.wal, 21, 60)
    t.disk.crash('power')
    t.disk.restoreImage(image)
    expect(t.open()?.batches).toEqual(ALL.slice(0, 20))
    t.disk.crash('power')
    t.disk.wipe()
    expect(t.open()?.batches).toEqual([])
  })
})

describe('damage at rest', () => {
  const kinds: readonly Corruption[] = ['bit-rot', 'stale-sector', 'misdirected-write']
  for (const how of kinds) {
    it(`${how} is found at the next start, and what is given out is what was written`, () => {
      let found = 0
      for (let seed = 1; seed <= 60; seed++) {
        const t = written(seed)
        expect(t.disk.corrupt(how, ANYTHING, seededRandom(seed))).not.toBeNull()
        const opened = t.open()
        // Never an older end than what was synced: the disk itself checks that.
        if (opened === null) {
          expect(t.refusals).toHaveLength(1)
          found++
          continue
        }
        expect(ALL).toEqual(expect.arrayContaining(opened.batches))
        expect(opened.batches).toEqual([...opened.batches].sort((a, b) => a - b))
        // A gap is told; a state or a shape that is gone may be told without one.
        if (opened.batches.length < ALL.length) expect(opened.lost).toBeGreaterThan(0)
        expect(opened.batches).toContain(60)
        if (opened.lost > 0) found++
      }
      expect(found).toBeGreaterThan(20)
    })

    it(`${how} strikes nothing where the atlas leaves no copy to spare`, () => {
      const t = written()
      expect(t.disk.corrupt(how, NOTHING, seededRandom(1))).toBeNull()
      expect(t.open()?.batches).toEqual(ALL)
    })
  }

  it('again and again leaves a log that goes on behind it', () => {
    const t = written()
    for (let i = 1; i <= 10; i++) {
      t.disk.corrupt('bit-rot', ANYTHING, seededRandom(i))
      const opened = t.open()
      if (opened === null) return expect(t.refusals).toHaveLength(1)
      expect(opened.wal.lastBatch).toBe(59 + i)
      expect(t.write(opened.wal, 60 + i, 60 + i)).toBe(60 + i)
      t.disk.crash('power')
    }
  })
})
