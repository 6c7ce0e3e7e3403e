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

describe('an error of the disk', () => {
  it('at the k-th call, of every kind: reported once, nothing completes after it, no lie on restart', () => {
    for (const code of ['EIO', 'ENOSPC']) {
      for (let k = 1; ; k++) {
        let calls = 0
        let armed = true
        const disk = memory({
          fail: (operation) => {
            if (operation === 'close') return null
            calls++
            return armed && calls === k ? code : null
          },
          writes: (_path, length) =>
            length > 100 && k % 2 === 0 ? Math.floor(length / 2) : length,
        })
        const failures: WalError[] = []
        const result = open(disk, { onFailure: (error) => failures.push(error) })
        let synced = 0
        if (result !== null && !(result instanceof WalError)) {
          for (let batch = 1; batch <= 60; batch++) {
            appendBatch(result.wal, batch)
            const before = failures.length
            result.wal.sync((covered) => {
              expect(before, 'a sync ended after the failure').toBe(0)
              synced = covered
            })
            disk.turns.drain()
          }
          expect(failures.length).toBeLessThanOrEqual(1)
          if (calls >= k) expect(failures).toHaveLength(1)
        } else {
          expect(result).toBeInstanceOf(WalError)
          expect((result as WalError).refusal.code).toBe('WAL_IO')
        }
        armed = false
        const finished = calls < k
        disk.fs.crash(seededRandom(k))
        disk.turns.drop()
        const again = open(disk)
        if (again instanceof WalError) throw again
        assertTrue(again!.records)
        expect(batchesOf(again!.records).at(-1) ?? 0).toBeGreaterThanOrEqual(synced)
        if (finished) break
      }
    }
  })
})
