import { describe, expect, it } from 'vitest'
import { type DurableRecord, damageable } from '../../../../src/sim/disk/records.js'

type Placed = DurableRecord & { readonly vouches: number }

interface Written {
  readonly batch: number
  readonly vouches: number
  readonly lastIndex: number
  readonly isTorn: boolean
}

/** Records of one segment, one behind the other: batches, each with its shape. */
function records(...some: readonly Written[]): Placed[] {
  return some
    .flatMap(({ isTorn, ...one }) => [
      { ...one, kind: 'batch', tells: false },
      { ...one, kind: 'shape', tells: !isTorn },
    ])
    .map((one, i) => ({ path: 'wal/1', segment: 1, at: 512 + 64 * i, size: 64, ...one }))
}

const batch = (number: number, vouches: number, lastIndex = number): Written => ({
  batch: number,
  vouches,
  lastIndex,
  isTorn: false,
})

/** Its shape did not reach the disk: an empty one closes it. */
const torn = (number: number, vouches: number): Written => ({
  ...batch(number, vouches),
  isTorn: true,
})

const vouchedBy = (some: readonly Placed[]) =>
  new Map(some.map(({ batch: number, vouches }) => [number, vouches]))

const batches = (some: readonly Placed[], synced: number) =>
  damageable(some, synced, vouchedBy(some))
    .filter(({ record }) => record.kind === 'batch')
    .map(({ record }) => record.batch)

describe('what may be damaged', () => {
  it('has a whole batch behind it that a synced one vouches for', () => {
    const log = records(batch(1, 0), batch(2, 1), batch(3, 2), batch(4, 3), batch(5, 4))
    // 5 vouches for 4; so all before 4 may go, and 4 tells what they were.
    expect(batches(log, 5)).toEqual([1, 2, 3])
    // A power loss may take 5, and with it that 4 was on disk.
    expect(batches(log, 4)).toEqual([1, 2])
  })

  it('has something behind it that tells what it was', () => {
    // Nothing behind 3 says how the log looked: if 3 went, with its shape, no log could know what it was.
    const log = records(batch(1, 0), batch(2, 1), batch(3, 2), torn(4, 3), torn(5, 4))
    expect(batches(log, 5)).toEqual([1, 2])
    expect(batches(records(...[1, 2, 3].map((n) => torn(n, n - 1))), 3)).toEqual([])
    expect(batches([...log, ...records(batch(6, 5))], 6)).toEqual([1, 2, 3, 4])
  })

  it('is nothing as long as nothing vouches for anything', () => {
    expect(batches(records(batch(1, 0), batch(2, 0), batch(3, 0)), 3)).toEqual([])
    expect(batches([], 0)).toEqual([])
  })

  it('tells the indices that are lost, or that they cannot be told', () => {
    const log = records(
      batch(1, 0, 4),
      batch(2, 1, 9),
      batch(3, 2, 0),
      // The log went back to 6.
      batch(4, 3, 7),
      batch(5, 4, 12),
      batch(6, 5, 13),
      batch(7, 6, 14),
    )
    const told = damageable(log, 7, vouchedBy(log))
      .filter(({ record }) => record.kind === 'batch')
      .map(({ from, through, uncertain }) => [from, through, uncertain])
    expect(told).toEqual([
      [1, 4, true],
      [5, 9, false],
      [1, 0, false],
      [10, 7, true],
      [10, 12, false],
    ])
  })
})
