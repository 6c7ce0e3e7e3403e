import { describe, expect, it } from 'vitest'
import { chance, nextInt, seededRandom } from '../../../src/base/random.js'
import { WalError } from '../../../src/wal/refusal.js'
import { appendBatch, assertTrue, batchesOf, memory, open, opened } from './support.js'

describe('a crash', () => {
  it('loses nothing that a sync covered, whatever becomes of the rest', () => {
    let cuts = 0
    for (let seed = 1; seed <= 1_500; seed++) {
      const random = seededRandom(seed)
      const disk = memory()
      let synced = 0
      let appended = 0
      for (let life = 0; life < 4; life++) {
        const result = open(disk)
        if (result === null || result instanceof WalError)
          throw new Error(`seed ${seed}, life ${life}: ${result?.message}`)
        const { wal, records, cut } = result
        if (cut !== null) cuts++
        assertTrue(records)
        const found = batchesOf(records).at(-1) ?? 0
        expect(found, `seed ${seed}, life ${life}`).toBeGreaterThanOrEqual(synced)
        expect(found).toBeLessThanOrEqual(appended)
        let batch = found
        for (let i = nextInt(random, 1, 40); i > 0; i--) {
          if (chance(random, 0.7)) appendBatch(wal, ++batch)
          if (chance(random, 0.3))
            wal.sync((covered) => {
              synced = Math.max(synced, covered)
            })
          if (chance(random, 0.1)) wal.mark()
          for (let n = nextInt(random, 0, 6); n > 0; n--) disk.turns.step()
        }
        appended = Math.max(found, batch)
        synced = Math.max(synced, found)
        disk.fs.crash(random)
        disk.turns.drop()
      }
    }
    expect(cuts).toBeGreaterThan(50)
  })

  it('right after the start does not take the folder with what was synced in it', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const disk = memory()
      const { wal } = opened(disk)
      appendBatch(wal, 1)
      wal.sync(() => {})
      disk.turns.drain()
      disk.fs.crash(seededRandom(seed))
      disk.turns.drop()
      expect(batchesOf(opened(disk).records), `seed ${seed}`).toEqual([1])
    }
  })

  it('that only kills the process loses nothing that was written', () => {
    const disk = memory()
    const { wal } = opened(disk)
    for (let batch = 1; batch <= 30; batch++) appendBatch(wal, batch)
    wal.sync(() => {})
    disk.turns.drain()
    disk.fs.kill()
    disk.turns.drop()
    expect(batchesOf(opened(disk).records)).toHaveLength(30)
  })
})
