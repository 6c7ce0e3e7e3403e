/** A damaged log that goes on: what it hands out, at every start the same, until the damage goes with its segment. */
import { describe, expect, it } from 'vitest'
import { nextInt, type RandomState, seededRandom } from '../../../src/base/random.js'
import { utf8Decode } from '../../../src/base/utf8.js'
import { recordBytes } from '../../../src/wal/record.js'
import { type RecoveredRecord, recover, type SegmentFile } from '../../../src/wal/recovery.js'
import { WalError } from '../../../src/wal/refusal.js'
import type { Wal } from '../../../src/wal/wal.js'
import { RECOVER } from './cases.js'
import {
  appendBatch,
  batchesOf,
  DIR,
  fillSegment,
  type Item,
  memory,
  open,
  opened,
  segmentPaths,
  shapeOf,
} from './support.js'

type Disk = ReturnType<typeof memory>

/** So many batches, each synced, closed by a mark; then the process ends. */
function written(batches: number): Disk {
  const disk = memory()
  const { wal } = opened(disk)
  addBatches(disk, wal, batches)
  end(disk, wal)
  return disk
}

function addBatches(disk: Disk, wal: Wal, count: number): void {
  for (let i = 0; i < count; i++) {
    appendBatch(wal, wal.lastBatch + 1)
    wal.sync(() => {})
    disk.turns.drain()
  }
}

function end(disk: Disk, wal: Wal): void {
  wal.mark()
  disk.turns.drain()
  wal.close(() => {})
  disk.turns.drain()
}

function recordsOf(disk: Disk): RecoveredRecord[] {
  const { items } = recover(filesOf(disk), RECOVER)
  return items.flatMap((item) => (item.kind === 'lost' ? [] : [item]))
}

function filesOf(disk: Disk): SegmentFile[] {
  return segmentPaths(disk.fs).map((path) => {
    const name = path.slice(DIR.length + 1)
    const number = Number.parseInt(name.slice(4, 18), 16)
    return { name, number, bytes: disk.fs.content(path)! }
  })
}

function damage(disk: Disk, file: string, change: (bytes: Uint8Array) => void): void {
  const bytes = disk.fs.content(`${DIR}/${file}`)!.slice()
  change(bytes)
  disk.fs.overwrite(`${DIR}/${file}`, bytes)
}

function flip(disk: Disk, record: RecoveredRecord, at = 4): void {
  damage(disk, record.file, (bytes) => {
    bytes[record.offset + at]! ^= 1
  })
}

/** Batches by number, a State as `s`, a Lost by its shape. */
function told(items: readonly Item[]): string {
  return items
    .map((item) => {
      if (item.kind === 'lost') return `(${utf8Decode(item.shape).replace('shape behind ', '..')})`
      return item.kind === 'state' ? 's' : `${item.batch}`
    })
    .join(' ')
}

function batch(disk: Disk, number: number): RecoveredRecord {
  return recordsOf(disk).find((one) => one.kind === 'batch' && one.batch === number)!
}

/** Two logs of so many batches that differ in what one of them says: an earlier life, whose end was lost, and this one. */
function lives(batches: number, other: number): readonly [old: Disk, now: Disk] {
  const live = (life: number): Disk => {
    const disk = memory()
    const { wal } = opened(disk)
    for (let number = 1; number <= batches; number++) {
      const payload = new Uint8Array(40).fill(number === other ? 200 + life : number)
      const stateRecord = () => new Uint8Array(8)
      wal.append(number, payload, { lastIndex: number, shape: shapeOf(number), stateRecord })
      wal.sync(() => {})
      disk.turns.drain()
    }
    end(disk, wal)
    return disk
  }
  return [live(1), live(2)]
}

describe('a damaged log', () => {
  it('has a Lost in the place of a batch, with the shape behind it', () => {
    const disk = written(6)
    flip(disk, batch(disk, 3))
    const { records, damage: seen, wal } = opened(disk)
    expect(told(records)).toBe('s 1 2 (..3) 4 5 6')
    expect(seen?.stretches).toMatchObject([{ outcome: 'lost' }])
    expect(seen?.error.refusal).toMatchObject({ code: 'WAL_CORRUPT', entries: { after: 20 } })
    expect(wal.lastBatch).toBe(6)
  })

  it('of which the newest batch is damaged is healed by the shape that follows it', () => {
    for (const at of [4, 50]) {
      const disk = written(6)
      flip(disk, batch(disk, 6), at)
      expect(told(opened(disk).records)).toBe('s 1 2 3 4 5 (..6)')
    }
  })

  it('whose newest shape is damaged too is healed by the mark, and refused without it', () => {
    const disk = written(6)
    const records = recordsOf(disk)
    for (const one of records) if (one.batch === 6 && one.kind !== 'mark') flip(disk, one)
    expect(told(opened(disk).records)).toBe('s 1 2 3 4 5 (..6)')
    const mark = records.find(({ kind }) => kind === 'mark')!
    flip(disk, mark)
    const refused = open(disk)
    if (!(refused instanceof WalError)) throw new Error('it was not refused')
    expect(refused.refusal).toMatchObject({ code: 'WAL_CORRUPT', entries: { after: 50 } })
  })

  it('that lost only the bytes of a shape or of a mark has lost nothing', () => {
    const disk = written(3)
    const { wal } = opened(disk)
    addBatches(disk, wal, 2)
    end(disk, wal)
    const records = recordsOf(disk)
    flip(disk, records.find((one) => one.kind === 'shape' && one.batch === 2)!, 50)
    flip(disk, records.find((one) => one.kind === 'mark' && one.batch === 3)!, 50)
    const again = opened(disk)
    expect(told(again.records)).toBe('s 1 2 3 4 5')
    expect(again.damage?.stretches.map(({ outcome }) => outcome)).toEqual(['harmless', 'harmless'])
  })

  it('tells the same at every start, goes on behind it, and loses nothing that comes', () => {
    const disk = written(5)
    flip(disk, batch(disk, 2))
    flip(disk, batch(disk, 4), 50)
    for (let life = 0; life < 6; life++) {
      const { wal, records } = opened(disk)
      expect(told(records).startsWith('s 1 (..2) 3 (..4) 5')).toBe(true)
      expect(batchesOf(records)).toEqual([1, 3, 5, ...later(life)])
      addBatches(disk, wal, 20)
      if (life % 2 === 0) end(disk, wal)
      else disk.fs.crash(seededRandom(life))
      disk.turns.drop()
    }
    expect(filesOf(disk).length).toBeGreaterThan(2)
    function later(lives: number): number[] {
      return Array.from({ length: lives * 20 }, (_, i) => 6 + i)
    }
  })

  it('shows its damage until the segment goes, and that goes with what was lost in it', () => {
    const disk = memory()
    const first = opened(disk).wal
    const opening = fillSegment(disk, first)
    first.sync(() => {})
    disk.turns.drain()
    addBatches(disk, first, 3)
    end(disk, first)
    // The last batch of the first segment, with its shape: what was in it, only the next segment tells.
    for (const one of recordsOf(disk)) if (one.batch === opening - 1) flip(disk, one)
    const { wal, records } = opened(disk)
    expect(told(records)).toContain(`${opening - 2} (..${opening}) s ${opening}`)
    wal.release((opening - 2) * 10)
    disk.turns.drain()
    expect(wal.counters.segments).toBe(2)
    wal.release(opening * 10)
    disk.turns.drain()
    expect(wal.counters.segments).toBe(1)
    end(disk, wal)
    const again = opened(disk)
    expect(again.damage).toBeNull()
    expect(told(again.records)).toBe(`s ${opening} ${opening + 1} ${opening + 2} ${opening + 3}`)
  })

  it('keeps a segment while the next one cannot be the oldest', () => {
    const disk = memory()
    const first = opened(disk).wal
    const opening = fillSegment(disk, first)
    first.sync(() => {})
    disk.turns.drain()
    addBatches(disk, first, 3)
    end(disk, first)
    flip(disk, recordsOf(disk).findLast(({ kind }) => kind === 'state')!)
    const { wal, records } = opened(disk)
    expect(told(records)).toContain(`${opening - 1} (..${opening}) ${opening}`)
    wal.release(1_000_000)
    addBatches(disk, wal, 1)
    expect(wal.counters.segments).toBe(2)
    addBatches(disk, wal, 40)
    expect(wal.counters.segments).toBeLessThanOrEqual(2)
    end(disk, wal)
    expect(opened(disk).records[0]?.kind).toBe('state')
  })

  it('that misses a segment between others has one Lost there', () => {
    const disk = written(60)
    const files = filesOf(disk)
    expect(files.length).toBeGreaterThan(2)
    const records = recordsOf(disk)
    disk.fs.remove(`${DIR}/${files[1]!.name}`)
    const gone = records.filter(({ file }) => file === files[1]!.name)
    const last = Math.max(...gone.map((one) => one.batch))
    expect(told(opened(disk).records)).toContain(
      `${gone[0]!.batch - 1} (..${last + 1}) s ${last + 1}`,
    )
  })

  it('whose header is damaged, of any segment, lacks nothing', () => {
    const disk = written(60)
    const names = filesOf(disk).map(({ name }) => name)
    const wanted = told(opened(disk).records)
    for (const name of names) {
      const copy = written(60)
      damage(copy, name, (bytes) => bytes.fill(0xa5, 0, 512))
      const { records, damage: seen, wal } = opened(copy)
      expect(told(records)).toBe(wanted)
      expect(seen?.stretches.some(({ outcome }) => outcome === 'lost')).toBe(false)
      addBatches(copy, wal, 30)
      end(copy, wal)
      expect(told(opened(copy).records).startsWith(wanted)).toBe(true)
    }
  })

  it('behind whose damage whole records lie, and none that tells what is lost, is refused', () => {
    const disk = memory()
    addBatches(disk, opened(disk).wal, 6)
    const records = recordsOf(disk)
    for (const one of records) if (one.batch === 5) flip(disk, one)
    expect(told(opened(disk).records)).toBe('s 1 2 3 4 (..6) 6')
    // The power was lost while the shape behind the sixth was written.
    const shape = records.find((one) => one.kind === 'shape' && one.batch === 6)!
    damage(disk, shape.file, (bytes) => bytes.fill(0, shape.offset))
    expect(open(disk)).toBeInstanceOf(WalError)
  })

  it('with a record of an earlier life in it does not believe what may be of that life', () => {
    const [old, now] = lives(12, 6)
    const sixth = batch(old, 6)
    const bytes = filesOf(old)[0]!.bytes
    damage(now, sixth.file, (into) => {
      const to = sixth.offset + recordBytes(40)
      into.set(bytes.subarray(sixth.offset, to), sixth.offset)
    })
    expect(told(opened(now).records)).toBe('(..6) 7 8 9 10 11 12')
  })

  it('with a whole segment of an earlier life in it does not believe that one', () => {
    const [old, now] = lives(80, 40)
    const records = recordsOf(now)
    const [, second] = segmentPaths(now.fs)
    expect(`${DIR}/${batch(now, 40).file}`).toBe(second)
    now.fs.overwrite(second!, old.fs.content(second!)!)
    const kept = recordsOf(now)
    expect(kept).toEqual(records.filter(({ file }) => `${DIR}/${file}` !== second))
    expect(told(opened(now).records)).toMatch(/ \(\.\.[0-9]+\) s /)
  })

  it('damaged again and again, crashing in between, never tells a wrong record', () => {
    let healed = 0
    let refused = 0
    for (let seed = 1; seed <= 400; seed++) {
      const outcome = life(seed)
      if (outcome === 'healed') healed++
      else if (outcome === 'refused') refused++
    }
    console.info(`damaged again and again: ${healed} healed, ${refused} refused`)
    expect(healed).toBeGreaterThan(150)
    expect(refused).toBeGreaterThan(5)
  })
})

/**
 * Three lives with random damage after each; what is told must be what was appended, with a Lost for the rest. What a
 * mark closed is there or lost by name; rot in the last turn before one may read as a torn tail.
 */
function life(seed: number): 'whole' | 'healed' | 'refused' {
  const random = seededRandom(seed)
  const disk = memory()
  let marked = 0
  let healed = false
  for (let lives = 0; lives < 3; lives++) {
    const result = open(disk)
    if (result === null) throw new Error('not opened')
    if (result instanceof WalError) return 'refused'
    const { records, wal } = result
    healed ||= result.damage !== null
    checkTold(records, marked, seed)
    for (let i = nextInt(random, 5, 40); i > 0; i--) {
      appendBatch(wal, wal.lastBatch + 1)
      if (nextInt(random, 0, 2) === 0) wal.sync(() => {})
      if (nextInt(random, 0, 3) === 0) disk.turns.drain()
      disk.turns.step()
    }
    if (nextInt(random, 0, 1) === 0) {
      wal.sync(() => {})
      disk.turns.drain()
      marked = wal.lastBatch
      end(disk, wal)
    } else disk.fs.crash(random)
    disk.turns.drop()
    rot(disk, random)
  }
  const last = open(disk)
  if (last instanceof WalError || last === null) return 'refused'
  checkTold(last.records, marked, seed)
  return healed || last.damage !== null ? 'healed' : 'whole'
}

/** One to three sectors of somewhere in the part that is used. */
function rot(disk: Disk, random: RandomState): void {
  const paths = segmentPaths(disk.fs)
  for (let i = nextInt(random, 0, 2); i > 0; i--) {
    const path = paths[nextInt(random, 0, paths.length - 1)]!
    const bytes = disk.fs.content(path)!.slice()
    let used = bytes.length
    while (used > 0 && bytes[used - 1] === 0) used--
    const at = nextInt(random, 0, Math.max(0, used - 600))
    for (let n = at; n < at + nextInt(random, 1, 600); n++) bytes[n] = nextInt(random, 1, 255)
    disk.fs.overwrite(path, bytes)
  }
}

function checkTold(items: readonly Item[], marked: number, seed: number): void {
  let next = 1
  let lost: number | null = null
  for (const item of items) {
    if (item.kind === 'lost') {
      lost = Number(utf8Decode(item.shape).replace('shape behind ', ''))
      continue
    }
    const text = utf8Decode(item.payload)
    if (item.kind === 'state') {
      if (text !== `state before ${item.batch}`) throw new Error(`seed ${seed}: a wrong State`)
      continue
    }
    if (!text.startsWith(`batch ${item.batch} `)) throw new Error(`seed ${seed}: a wrong batch`)
    if (item.batch < next) throw new Error(`seed ${seed}: batch ${item.batch} again`)
    if (item.batch > next && (lost === null || lost < item.batch - 1))
      throw new Error(`seed ${seed}: ${next} to ${item.batch - 1} missing, lost ${lost}`)
    next = item.batch + 1
    if (lost !== null && lost < next) lost = null
  }
  const through = Math.max(next - 1, lost ?? 0)
  if (through < marked) throw new Error(`seed ${seed}: ${through} of ${marked} marked`)
}
