import { describe, expect, it } from 'vitest'
import { nextInt, seededRandom } from '../../../src/base/random.js'
import type { Operation } from '../../../src/wal/memory-file-system.js'
import { WalError } from '../../../src/wal/refusal.js'
import { appendBatch, assertTrue, batchesOf, memory, open, opened } from './support.js'

/** What must not be asked of the disk after an error was reported. */
const CHANGES: readonly Operation[] = ['create', 'rename', 'unlink', 'syncDirectory', 'datasync']

/** A log in use, whose k-th call fails; completions come in random pieces. False: it was over before. */
function runWithError(code: string, k: number): boolean {
  const random = seededRandom(k)
  let calls = 0
  let armed = true
  const failures: WalError[] = []
  const disk = memory({
    fail: (operation) => {
      if (operation === 'close') return null
      if (failures.length > 0 && CHANGES.includes(operation))
        throw new Error(`${operation} after the error was reported`)
      calls++
      return armed && calls === k ? code : null
    },
    writes: (_path, length) => (length > 100 && k % 2 === 0 ? Math.floor(length / 2) : length),
  })
  const result = open(disk, { onFailure: (error) => failures.push(error) })
  let synced = 0
  if (result === null) throw new Error('nothing came back')
  if (result instanceof WalError) expect(result.refusal.code).toBe('WAL_IO')
  else {
    const { wal } = result
    for (let batch = 1; batch <= 90; batch++) {
      appendBatch(wal, batch)
      if (batch % 2 === 0)
        wal.sync((covered) => {
          if (failures.length > 0) throw new Error('a sync ended after the error was reported')
          synced = covered
        })
      if (batch % 9 === 0) wal.release((synced - 10) * 10)
      for (let i = nextInt(random, 0, 5); i > 0; i--) disk.turns.step()
      if (batch % 20 === 0) disk.turns.drain()
      if (batch % 20 === 0) wal.mark()
    }
    disk.turns.drain()
    expect(failures).toHaveLength(calls >= k ? 1 : 0)
    let closed = 0
    wal.close(() => closed++)
    disk.turns.drain()
    expect(closed, 'close calls back').toBe(1)
  }
  armed = false
  failures.length = 0
  disk.fs.crash(random)
  disk.turns.drop()
  const again = opened(disk)
  assertTrue(again.records)
  expect(again.wal.lastBatch).toBeGreaterThanOrEqual(synced)
  return calls >= k
}

describe('an error of the disk', () => {
  for (const code of ['EIO', 'ENOSPC'])
    it(`${code} at the k-th call, for every k: reported once, nothing completes, no lie on restart`, () => {
      let k = 1
      while (runWithError(code, k)) k++
      expect(k).toBeGreaterThan(150)
    })

  it('at the k-th call of a start on a used directory: WAL_IO, and nothing is lost for the next one', () => {
    for (let k = 1; ; k++) {
      let calls = 0
      let failing = false
      const disk = memory({
        fail: (operation) => (failing && operation !== 'close' && ++calls === k ? 'EIO' : null),
      })
      const { wal } = opened(disk)
      for (let batch = 1; batch <= 60; batch++) appendBatch(wal, batch)
      wal.sync(() => {})
      disk.turns.drain()
      appendBatch(wal, 61)
      wal.sync(() => {})
      disk.turns.step()
      disk.fs.crash(seededRandom(k))
      disk.turns.drop()
      failing = true
      const failures: WalError[] = []
      const result = open(disk, { onFailure: (error) => failures.push(error) })
      const over = calls < k
      if (result instanceof WalError) expect(result.refusal.code).toBe('WAL_IO')
      else if (!over) expect(failures).toHaveLength(1)
      failing = false
      disk.fs.crash(seededRandom(k + 1))
      disk.turns.drop()
      expect(batchesOf(opened(disk).records).length).toBeGreaterThanOrEqual(60)
      if (over) break
    }
  })

  it('a sync that failed has lost its writes: a start does not take them from the cache for synced', () => {
    let failing = false
    const disk = memory({
      failedSyncLoses: true,
      fail: (operation) => (failing && operation === 'datasync' ? 'EIO' : null),
    })
    const { wal } = opened(disk)
    for (let batch = 1; batch <= 20; batch++) appendBatch(wal, batch)
    wal.sync(() => {})
    disk.turns.drain()
    for (let batch = 21; batch <= 30; batch++) appendBatch(wal, batch)
    failing = true
    wal.sync(() => {})
    disk.turns.drain()
    failing = false
    disk.fs.kill()
    const again = opened(disk)
    expect(batchesOf(again.records)).toContain(30)
    disk.fs.crash(seededRandom(1))
    disk.turns.drop()
    expect(batchesOf(opened(disk).records)).toContain(30)
  })

  it('a mark whose sync failed is not built upon: what follows it is not taken for damage after a power loss', () => {
    let failing = false
    const disk = memory({
      failedSyncLoses: true,
      fail: (operation) => (failing && operation === 'datasync' ? 'EIO' : null),
    })
    const { wal } = opened(disk)
    appendBatch(wal, 1)
    wal.sync(() => {})
    disk.turns.drain()
    failing = true
    wal.mark()
    disk.turns.drain()
    failing = false
    disk.fs.kill()
    disk.turns.drop()
    const again = opened(disk)
    appendBatch(again.wal, 2)
    again.wal.sync(() => {})
    disk.turns.drain()
    disk.fs.crash(seededRandom(1))
    disk.turns.drop()
    const last = opened(disk)
    expect(last.damage).toBeNull()
    expect(batchesOf(last.records)).toEqual([1, 2])
  })

  it('EIO on read names the file, and is not taken for damage', () => {
    const disk = memory()
    const { wal } = opened(disk)
    appendBatch(wal, 1)
    wal.sync(() => {})
    disk.turns.drain()
    const broken = disk.fs.copy({
      soon: disk.turns.soon,
      fail: (operation) => (operation === 'read' ? 'EIO' : null),
    })
    const result = open({ fs: broken, turns: disk.turns })
    if (!(result instanceof WalError)) throw new Error('it was not refused')
    expect(result.refusal.code).toBe('WAL_IO')
    expect(result.refusal.file).toContain('wal-00000000000001.seg')
  })
})

describe('close', () => {
  it('waits for the sync under way, then nothing touches the files any more', () => {
    for (let steps = 0; steps < 25; steps++) {
      const late: Operation[] = []
      let closed = false
      const disk = memory({
        fail: (operation) => {
          if (closed) late.push(operation)
          return null
        },
      })
      const { wal } = opened(disk)
      for (let batch = 1; batch <= 40; batch++) appendBatch(wal, batch)
      let synced = 0
      wal.sync((covered) => {
        synced = covered
      })
      for (let i = 0; i < steps; i++) disk.turns.step()
      wal.close(() => {
        closed = true
      })
      disk.turns.drain()
      expect(closed).toBe(true)
      expect(synced).toBe(40)
      expect(late).toEqual([])
    }
  })
})
