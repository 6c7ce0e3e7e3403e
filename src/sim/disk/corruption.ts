/** Damage to what a disk holds: bits that rot, writes that never reached the medium or reached it somewhere else. */
import { chance, nextInt, pick, type RandomState } from '../../base/random.js'
import type { MemoryFileSystem } from '../../wal/memory-file-system.js'
import { SECTOR_BYTES } from '../../wal/memory-medium.js'
import { SEGMENT_HEADER_BYTES } from '../../wal/segment-header.js'
import type { Damageable, DurableRecord } from './records.js'

export type Corruption = 'bit-rot' | 'stale-sector' | 'misdirected-write'

const BITS_MAX = 3
const NEWEST = 3
/** How often rot meets the header of a segment, and not a record. */
const SEGMENT_HEADER_CHANCE = 0.1

export interface Corruptible {
  readonly fs: MemoryFileSystem
  /** Those that may be damaged: some. */
  readonly allowed: readonly Damageable[]
  readonly records: readonly DurableRecord[]
}

/** What was done, for a human. */
export function corrupt(how: Corruption, disk: Corruptible, random: RandomState): string {
  // Most of what a cluster has still to agree on is at the end.
  const newest = chance(random, 0.5) ? disk.allowed.slice(-NEWEST) : disk.allowed
  const { record } = pick(random, newest)
  switch (how) {
    case 'bit-rot':
      return rot(disk, record, random)
    case 'stale-sector':
      return leaveStale(disk, record, random)
    case 'misdirected-write':
      return misdirect(disk, record, random)
  }
}

/** Flips some bits of the stretch. */
export function flipBits(
  fs: MemoryFileSystem,
  stretch: { readonly path: string; readonly at: number; readonly size: number },
  random: RandomState,
): void {
  const bits = nextInt(random, 1, BITS_MAX)
  // Each another one: two flips of one bit are none.
  const chosen = new Set<number>()
  while (chosen.size < bits) chosen.add(nextInt(random, 0, 8 * stretch.size - 1))
  fs.alter(stretch.path, stretch.at, (bytes) => {
    for (const bit of chosen) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  })
}

function rot({ fs, records }: Corruptible, record: DurableRecord, random: RandomState): string {
  const { path, segment, at, size } = record
  const isLast = segment === records.at(-1)?.segment
  if (!isLast && chance(random, SEGMENT_HEADER_CHANCE)) {
    flipBits(fs, { path, at: 0, size: SEGMENT_HEADER_BYTES }, random)
    return `the header of ${path} rots`
  }
  flipBits(fs, { path, at, size }, random)
  return `${path} rots at ${at}: batch ${record.batch}`
}

/** The record, or what of it lies in one sector, was never written: zeros, as the segment was made. */
function leaveStale({ fs }: Corruptible, record: DurableRecord, random: RandomState): string {
  const { path, at, size } = record
  let from = at
  let to = at + size
  if (chance(random, 0.5)) {
    const first = Math.floor(at / SECTOR_BYTES)
    const sector = nextInt(random, first, Math.floor((to - 1) / SECTOR_BYTES))
    from = Math.max(from, sector * SECTOR_BYTES)
    to = Math.min(to, (sector + 1) * SECTOR_BYTES)
  }
  fs.alter(path, from, (bytes) => bytes.fill(0, 0, to - from))
  return `${path} was never written from ${from} to ${to}: batch ${record.batch}`
}

/** Another record's bytes lie where this one belongs. */
function misdirect(
  { fs, records }: Corruptible,
  record: DurableRecord,
  random: RandomState,
): string {
  const others = records.filter((other) => other.path !== record.path || other.at !== record.at)
  const other = pick(random, others)
  const source = fs.content(other.path)?.subarray(other.at, other.at + other.size)
  const { path, at, size } = record
  fs.alter(path, at, (bytes) => {
    const room = Math.min(size, bytes.length)
    bytes.fill(0, 0, room)
    if (source !== undefined) bytes.set(source.subarray(0, room))
  })
  return `batch ${other.batch} lies at ${at} of ${path}, where batch ${record.batch} belongs`
}
