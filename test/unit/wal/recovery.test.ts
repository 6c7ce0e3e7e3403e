import { describe, expect, it } from 'vitest'
import { WalError } from '../../../src/wal/refusal.js'
import { assertTrue, batchesOf, memory, open, opened, threeSegments } from './support.js'

const whole = threeSegments()
const last = whole.paths.length - 1

/** Opens a copy of the three segments with one of them changed. */
function withSegment(i: number, change: (bytes: Uint8Array) => Uint8Array) {
  const disk = memory()
  for (const [j, path] of whole.paths.entries()) {
    const bytes = whole.fs.content(path)!
    disk.fs.overwrite(path, j === i ? change(bytes) : bytes)
  }
  return open(disk)
}

/** All that the marker vouches for, or a refusal; never a wrong record, never a silent loss. */
function expectAllOrRefusal(result: ReturnType<typeof open>, what: string): 'all' | 'refused' {
  if (result instanceof WalError) {
    expect(result.refusal.file, what).toMatch(/^wal-/)
    return 'refused'
  }
  assertTrue(result!.records)
  expect(batchesOf(result!.records).length, what).toBe(whole.batches)
  return 'all'
}

describe('a three-segment log, closed by a marker', () => {
  it('reads back whole', () => {
    expect(whole.paths.length).toBeGreaterThanOrEqual(3)
    expect(
      expectAllOrRefusal(
        withSegment(-1, (bytes) => bytes),
        'untouched',
      ),
    ).toBe('all')
  })

  it('flip of every bit: everything, or a refusal', () => {
    const seen = { all: 0, refused: 0 }
    for (const [i, path] of whole.paths.entries()) {
      const bytes = whole.fs.content(path)!
      for (let at = 0; at < bytes.length; at++) {
        // Every bit of every byte that holds something, one bit of each zero behind the end.
        const bits =
          bytes[at] === 0 && i === last && at % 7 !== 0 ? [at % 8] : [0, 1, 2, 3, 4, 5, 6, 7]
        for (const bit of bits) {
          const result = withSegment(i, (copy) => {
            copy[at] = (copy[at] ?? 0) ^ (1 << bit)
            return copy
          })
          seen[expectAllOrRefusal(result, `${path} byte ${at} bit ${bit}`)]++
        }
      }
    }
    expect(seen.refused).toBeGreaterThan(10_000)
    expect(seen.all).toBeGreaterThan(0)
  })

  it('truncation at every byte: a prefix of the last segment, a refusal anywhere else', () => {
    for (const [i, path] of whole.paths.entries()) {
      const length = whole.fs.content(path)!.length
      for (let at = 0; at < length; at++) {
        const result = withSegment(i, (bytes) => bytes.slice(0, at))
        if (i < last) {
          expect(
            result instanceof WalError || batchesOf(result!.records).length === whole.batches,
          ).toBe(true)
          continue
        }
        // A truncated file looks like a write that never happened: what is left is a true prefix.
        if (result instanceof WalError) continue
        assertTrue(result!.records)
      }
    }
  })

  it('a sector of zeros: everything, a refusal, or an unpromised tail', () => {
    for (const [i, path] of whole.paths.entries()) {
      const length = whole.fs.content(path)!.length
      for (let sector = 0; sector < length; sector += 512) {
        const result = withSegment(i, (bytes) => bytes.fill(0, sector, sector + 512))
        if (result instanceof WalError) continue
        assertTrue(result!.records)
        // Only the sector with the marker itself, and nothing behind it, may read as a torn tail.
        const count = batchesOf(result!.records).length
        if (count !== whole.batches) expect(i).toBe(last)
      }
    }
  })

  it('swapped, doubled and missing segments are refused', () => {
    const [a, b, c] = whole.paths.map((path) => whole.fs.content(path)!) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ]
    const layouts: [Uint8Array | null, Uint8Array | null, Uint8Array | null][] = [
      [b, a, c],
      [a, c, b],
      [a, a, c],
      [a, b, b],
      [a, null, c],
    ]
    for (const layout of layouts) {
      const disk = memory()
      for (const [i, bytes] of layout.entries())
        if (bytes !== null) disk.fs.overwrite(whole.paths[i]!, bytes)
      expect(open(disk)).toBeInstanceOf(WalError)
    }
  })

  it('swapped records are refused', () => {
    const disk = memory()
    for (const path of whole.paths) disk.fs.overwrite(path, whole.fs.content(path)!)
    const records = opened(disk).records.filter((record) => record.kind === 'batch')
    const one = records[3]!
    const other = records[4]!
    const result = withSegment(0, (bytes) => {
      const piece = bytes.slice(one.offset, other.offset)
      bytes.set(bytes.slice(other.offset, other.offset + piece.length), one.offset)
      bytes.set(piece, other.offset)
      return bytes
    })
    expect(result).toBeInstanceOf(WalError)
  })

  it('another cluster, node or directory is refused by name', () => {
    for (const key of ['clusterId', 'nodeId', 'uid'] as const) {
      const disk = memory()
      for (const path of whole.paths) disk.fs.overwrite(path, whole.fs.content(path)!)
      const identity = { clusterId: 'c1', nodeId: 'n1', uid: 'u1', [key]: 'other' }
      const result = open(disk, { identity })
      expect(result).toBeInstanceOf(WalError)
      expect((result as WalError).refusal.code).toBe('WAL_FOREIGN')
      expect((result as WalError).message).toContain(key)
    }
  })
})
