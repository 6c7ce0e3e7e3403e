import { describe, expect, it } from 'vitest'
import { chance, nextInt, seededRandom } from '../../../src/base/random.js'
import { WalError } from '../../../src/wal/refusal.js'
import {
  appendBatch,
  assertTrue,
  batchesOf,
  fillSegment,
  memory,
  open,
  opened,
  segmentPaths,
} from './support.js'

describe('release', () => {
  it('drops leading segments only, and what is left opens with a State record', () => {
    const disk = memory()
    const { wal } = opened(disk)
    for (let batch = 1; batch <= 150; batch++) {
      appendBatch(wal, batch)
      wal.sync(() => {})
      disk.turns.drain()
    }
    const before = segmentPaths(disk.fs).length
    wal.release(800)
    disk.turns.drain()
    const after = segmentPaths(disk.fs).length
    expect(after).toBeLessThan(before)
    disk.fs.crash(seededRandom(5))
    disk.turns.drop()
    const { records } = opened(disk)
    expect(records[0]?.kind).toBe('state')
    assertTrue(records)
    const batches = batchesOf(records)
    expect(batches[0]).toBeLessThanOrEqual(81)
    expect(batches.at(-1)).toBe(150)
  })

  it('goes on while appends are always under way', () => {
    const disk = memory()
    const { wal } = opened(disk)
    let batch = 0
    const more = (): void => {
      if (batch >= 300) return
      appendBatch(wal, ++batch)
      wal.sync(() => {
        appendBatch(wal, ++batch)
        wal.release((batch - 20) * 10)
        more()
      })
    }
    more()
    disk.turns.drain()
    expect(segmentPaths(disk.fs).length).toBeLessThanOrEqual(4)
  })

  it('keeps the old segment until the State record of the next one is on disk, not only its header', () => {
    // 1. Segment 1 is full and synced. 2. A batch opens segment 2: its header is on disk, its State record is not.
    // 3. Everything in segment 1 may go. 4. Power fails: the vote in segment 1 must still be there.
    for (let steps = 0; steps < 40; steps++) {
      for (let seed = 1; seed <= 40; seed++) {
        const disk = memory()
        const { wal } = opened(disk)
        const batch = fillSegment(disk, wal) - 1
        wal.sync(() => {})
        for (let i = 0; i < steps; i++) disk.turns.step()
        wal.release(batch * 10)
        for (let i = seed % 5; i > 0; i--) disk.turns.step()
        disk.fs.crash(seededRandom(seed))
        disk.turns.drop()
        const result = opened(disk)
        expect(result.records[0]?.kind, `${steps} steps, seed ${seed}`).toBe('state')
        expect(result.wal.lastBatch).toBeGreaterThanOrEqual(batch)
      }
    }
  })

  it('after a restart too: the newest segment may have nothing but a header', () => {
    let bare = 0
    for (let steps = 0; steps < 80; steps++) {
      const disk = memory()
      const { wal } = opened(disk)
      const batch = fillSegment(disk, wal) - 1
      wal.sync(() => {})
      for (let i = 0; i < Math.floor(steps / 2); i++) disk.turns.step()
      disk.fs.kill()
      disk.turns.drop()
      const again = opened(disk)
      if (segmentPaths(disk.fs).length > 1 && again.wal.lastBatch === batch) bare++
      // A sync of nothing puts no State record on disk.
      if (steps % 2 === 0) again.wal.sync(() => {})
      disk.turns.drain()
      again.wal.release(1_000_000)
      disk.turns.drain()
      disk.fs.crash(seededRandom(steps))
      disk.turns.drop()
      const last = opened(disk)
      expect(last.records[0]?.kind, `after ${steps} steps`).toBe('state')
      expect(last.wal.lastBatch).toBeGreaterThanOrEqual(batch)
    }
    expect(bare).toBeGreaterThan(0)
  })

  it('interrupted by a power loss leaves no gap between segments', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = seededRandom(seed)
      const disk = memory()
      const { wal } = opened(disk)
      for (let batch = 1; batch <= 150; batch++) {
        appendBatch(wal, batch)
        wal.sync(() => {})
        disk.turns.drain()
      }
      wal.release(1_300)
      for (let i = nextInt(random, 0, 8); i > 0; i--) disk.turns.step()
      disk.fs.crash(random)
      disk.turns.drop()
      const result = open(disk)
      if (result === null || result instanceof WalError)
        throw new Error(`seed ${seed}: ${result?.message}`)
      expect(batchesOf(result.records).at(-1)).toBe(150)
    }
  })

  it('asked for while one is under way is done after it', () => {
    const disk = memory()
    const { wal } = opened(disk)
    for (let batch = 1; batch <= 150; batch++) {
      appendBatch(wal, batch)
      wal.sync(() => {})
      disk.turns.drain()
    }
    wal.release(500)
    wal.release(1_400)
    disk.turns.drain()
    expect(segmentPaths(disk.fs).length).toBeLessThanOrEqual(2)
  })

  it('through crashes and restarts: a suffix that opens with State and lacks nothing that was kept', () => {
    for (let seed = 1; seed <= 400; seed++) {
      const random = seededRandom(seed)
      const disk = memory()
      let synced = 0
      let released = 0
      for (let life = 0; life < 4; life++) {
        const result = open(disk)
        if (result === null || result instanceof WalError)
          throw new Error(`seed ${seed}, life ${life}: ${result?.message}`)
        const { wal, records } = result
        assertTrue(records)
        const batches = batchesOf(records)
        const what = `seed ${seed}, life ${life}`
        expect(wal.lastBatch, what).toBeGreaterThanOrEqual(synced)
        if (synced > 0) expect(records[0]?.kind, what).toBe('state')
        if (synced > released) expect(batches[0], what).toBeLessThanOrEqual(released + 1)
        let batch = wal.lastBatch
        synced = batch
        for (let i = nextInt(random, 20, 120); i > 0; i--) {
          if (chance(random, 0.8)) appendBatch(wal, ++batch)
          if (chance(random, 0.4))
            wal.sync((covered) => {
              synced = covered
            })
          if (chance(random, 0.1)) {
            released = Math.max(released, synced - nextInt(random, 0, 2))
            wal.release(released * 10)
          }
          for (let n = nextInt(random, 0, 8); n > 0; n--) disk.turns.step()
        }
        disk.fs.crash(random)
        disk.turns.drop()
      }
    }
  })
})
