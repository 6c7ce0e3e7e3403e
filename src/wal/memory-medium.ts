/**
 * One file's bytes in memory: as they are read now, as they are on the medium, and the writes in between. What a power
 * loss leaves of those is chance.
 */
import { chance, nextInt, type RandomState } from '../base/random.js'

export interface Write {
  readonly at: number
  readonly bytes: Uint8Array
}

export interface Medium {
  /** Content that survives a crash. */
  synced: Uint8Array
  /** Content as read now. */
  current: Uint8Array
  unsynced: Write[]
  /** Sectors that cannot be read until they are written again. */
  readonly unreadable: Set<number>
}

/** Torn writes break at a sector, or within one. */
export const SECTOR_BYTES = 512

export function mediumOf(bytes: Uint8Array): Medium {
  return { synced: bytes.slice(), current: bytes.slice(), unsynced: [], unreadable: new Set() }
}

export function writeTo(medium: Medium, write: Write): void {
  medium.current = place(medium.current, write)
  medium.unsynced.push(write)
  if (medium.unreadable.size === 0) return
  for (const sector of sectorsOf(write.at, write.bytes.length)) medium.unreadable.delete(sector)
}

/** The first `count` writes are on the medium from now on. */
export function sync(medium: Medium, count: number): void {
  for (const write of medium.unsynced.splice(0, count)) medium.synced = place(medium.synced, write)
}

/**
 * They are taken for written and are not: what a failed sync leaves behind. Read now they are still there, as the
 * system's cache holds them; no later sync brings them to the medium.
 */
export function forget(medium: Medium, count: number): void {
  medium.unsynced.splice(0, count)
}

export function isReadable(medium: Medium, at: number, length: number): boolean {
  if (medium.unreadable.size === 0) return true
  return sectorsOf(at, length).every((sector) => !medium.unreadable.has(sector))
}

export function sectorsOf(at: number, length: number): number[] {
  const out: number[] = []
  for (let i = Math.floor(at / SECTOR_BYTES); i * SECTOR_BYTES < at + length; i++) out.push(i)
  return out
}

/** Changes bytes where they lie, in the medium and in what is read: rot. */
export function alter(medium: Medium, at: number, change: (bytes: Uint8Array) => void): void {
  change(medium.synced.subarray(Math.min(at, medium.synced.length)))
  change(medium.current.subarray(Math.min(at, medium.current.length)))
}

/**
 * What of the unsynced writes a power loss left: either all of them up to some byte, or, as a cache writes its pages
 * back in any order, each sector as it was after some of them.
 */
export function settle(medium: Medium, random: RandomState): void {
  const before = medium.synced
  let content: Uint8Array
  if (chance(random, 0.5)) content = upToAByte(before, medium.unsynced, random)
  else content = sectorBySector(before, medium.unsynced, random)
  medium.synced = content
  medium.current = content.slice()
  medium.unsynced = []
}

function place(content: Uint8Array, write: Write): Uint8Array {
  const end = write.at + write.bytes.length
  let target = content
  if (end > content.length) {
    target = new Uint8Array(end)
    target.set(content)
  }
  target.set(write.bytes, write.at)
  return target
}

function upToAByte(before: Uint8Array, writes: readonly Write[], random: RandomState): Uint8Array {
  let content: Uint8Array = before.slice()
  const whole = nextInt(random, 0, writes.length)
  for (const write of writes.slice(0, whole)) content = place(content, write)
  const torn = writes[whole]
  if (torn === undefined) return content
  const length = nextInt(random, 0, torn.bytes.length)
  return place(content, { at: torn.at, bytes: torn.bytes.slice(0, length) })
}

function sectorBySector(
  before: Uint8Array,
  writes: readonly Write[],
  random: RandomState,
): Uint8Array {
  let content: Uint8Array = before.slice()
  /** How many writes each sector saw, in their order. */
  const seen = new Map<number, number>()
  for (const [i, write] of writes.entries()) {
    let from = 0
    while (from < write.bytes.length) {
      const sector = Math.floor((write.at + from) / SECTOR_BYTES)
      const to = Math.min(write.bytes.length, (sector + 1) * SECTOR_BYTES - write.at)
      let count = seen.get(sector)
      if (count === undefined) {
        count = nextInt(random, 0, writes.length)
        seen.set(sector, count)
      }
      if (i < count)
        content = place(content, { at: write.at + from, bytes: write.bytes.slice(from, to) })
      from = to
    }
  }
  return content
}
