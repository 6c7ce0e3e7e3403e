import { describe, expect, it } from 'vitest'
import { equalBytes } from '../../../src/base/bytes.js'
import { chance, nextInt, type RandomState, seededRandom } from '../../../src/base/random.js'
import { utf8Encode } from '../../../src/base/utf8.js'
import { openWal } from '../../../src/wal/open.js'
import { WalError } from '../../../src/wal/refusal.js'
import {
  ALL_CASES,
  aboutOf,
  appendBatch,
  batchesOf,
  batchRecords,
  DIR,
  memory,
  open,
  opened,
  walOptions,
} from './support.js'

/** Zeros, ends of records, random bytes: what a hole or a trailer could be mistaken for. Never twice the same. */
function anyPayload(random: RandomState): Uint8Array {
  const bytes = new Uint8Array(nextInt(random, 0, chance(random, 0.1) ? 1_500 : 120))
  if (chance(random, 0.3)) return bytes
  if (chance(random, 0.2)) {
    const trailer = utf8Encode('REND')
    return bytes.map((_, i) => trailer[i % 4] ?? 0)
  }
  return bytes.map(() => (chance(random, 0.2) ? 0 : nextInt(random, 0, 255)))
}

/** A start that power ends after a few calls. */
function brokenStart(disk: ReturnType<typeof memory>, random: RandomState): void {
  openWal(disk.fs, DIR, walOptions(), () => {})
  for (let i = nextInt(random, 0, 25); i > 0; i--) disk.turns.step()
  disk.fs.crash(random)
  disk.turns.drop()
}

/** Four lives of a log on one disk, each ended by a power loss. Gives how often a tail was cut. */
function fourLives(seed: number): number {
  const random = seededRandom(seed)
  const short = chance(random, 0.5)
  const disk = memory({
    writes: (_path, length) => (short ? nextInt(random, Math.min(1, length), length) : length),
  })
  const payloads = new Map<number, Uint8Array>()
  let synced = 0
  let cuts = 0
  for (let life = 0; life < 4; life++) {
    while (chance(random, 0.3)) brokenStart(disk, random)
    const result = open(disk)
    const what = `seed ${seed}, life ${life}`
    if (result === null || result instanceof WalError) throw new Error(`${what}: ${result}`)
    const { wal, records, cut } = result
    if (cut !== null) cuts++
    const batches = batchRecords(records)
    if (batches.length < synced) throw new Error(`${what}: ${batches.length} of ${synced} synced`)
    for (const [i, record] of batches.entries())
      if (record.batch !== i + 1 || !equalBytes(record.payload, payloads.get(i + 1)!))
        throw new Error(`${what}: batch ${i + 1} is not what was appended last`)
    synced = batches.length
    let batch = synced
    for (let i = nextInt(random, 1, 40); i > 0; i--) {
      if (chance(random, 0.7)) {
        const payload = anyPayload(random)
        payloads.set(++batch, payload)
        wal.append(
          batch,
          payload,
          aboutOf(batch, () => anyPayload(random)),
        )
      }
      if (chance(random, 0.3))
        wal.sync((covered) => {
          synced = covered
        })
      if (chance(random, 0.1)) wal.mark()
      for (let n = nextInt(random, 0, 6); n > 0; n--) disk.turns.step()
    }
    disk.fs.crash(random)
    disk.turns.drop()
  }
  return cuts
}

describe('a crash', () => {
  it('loses nothing that a sync covered, resurrects nothing, and is never taken for damage', () => {
    let cuts = 0
    const seeds = ALL_CASES ? 8_000 : 800
    for (let seed = 1; seed <= seeds; seed++) cuts += fourLives(seed)
    expect(cuts).toBeGreaterThan(100)
  })

  // Each of these was refused as damaged.
  it('while a torn tail is cut leaves what is still a torn tail', () => {
    fourLives(2_929)
  })

  it('that tore a shape off its batch, then the next batch off its shape, is not taken for damage', () => {
    fourLives(6_168)
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
