import { describe, expect, it } from 'vitest'
import { equalBytes } from '../../../src/base/bytes.js'
import { recordBytes } from '../../../src/wal/record.js'
import { recover, type SegmentFile } from '../../../src/wal/recovery.js'
import { WalError } from '../../../src/wal/refusal.js'
import { judge, mixedLog, type Original, RECOVER, type Verdict, withFile } from './cases.js'
import {
  ALL_CASES,
  aboutOf,
  batchRecords,
  DIR,
  IDENTITY,
  memory,
  open,
  opened,
  sampler,
} from './support.js'

const marked = mixedLog({ marked: true })
const unmarked = mixedLog({ marked: false })
const last = marked.files.length - 1

/** Every case has one of these verdicts; the rest would have thrown. */
function tell(what: string, seen: Record<Verdict, number>): void {
  console.info(
    `${what}: ${Object.entries(seen)
      .map(([name, n]) => `${n} ${name}`)
      .join(', ')}`,
  )
}

function tally(): Record<Verdict, number> {
  return { all: 0, harmless: 0, healed: 0, prefix: 0, refused: 0 }
}

function read(files: readonly SegmentFile[]) {
  try {
    return recover(files, RECOVER)
  } catch (error) {
    if (error instanceof WalError) return error
    throw error
  }
}

/** Where the used part of a segment that has a successor ends. */
function usedEnd(log: Original, i: number): number {
  return new DataView(log.files[i + 1]!.bytes.buffer).getUint32(16, true)
}

/** What of the last segment can hold anything, and the zeros behind it by samples. */
function offsets(original: Original, i: number): number[] {
  const file = original.files[i]!
  let used = file.bytes.length
  while (used > 0 && file.bytes[used - 1] === 0) used--
  const out: number[] = []
  for (let at = 0; at < file.bytes.length; at++) if (at < used + 64 || at % 61 === 0) out.push(at)
  return out
}

describe('a log of three segments', () => {
  it('reads back whole', () => {
    for (const log of [marked, unmarked]) {
      expect(log.files).toHaveLength(3)
      expect(log.records.length).toBeGreaterThan(45)
      expect(judge(log, log.files, { file: -1, from: 0, to: 0 })).toBe('all')
    }
    expect(new Set(marked.records.map((record) => record.kind))).toEqual(
      new Set(['state', 'batch', 'shape', 'mark']),
    )
  })

  it('flip of every bit, closed by a marker: everything, healed, or a refusal', () => {
    const seen = tally()
    const isChosen = sampler(1, 4)
    for (const [i, file] of marked.files.entries()) {
      const bytes = file.bytes.slice()
      const files = withFile(marked, i, bytes)
      const mark = marked.records.at(-1)!
      for (const at of offsets(marked, i)) {
        const before = bytes[at]!
        for (let bit = 0; bit < 8; bit++) {
          if (!isChosen()) continue
          bytes[at] = before ^ (1 << bit)
          const verdict = judge(marked, files, { file: i, from: at, to: at + 1 })
          seen[verdict]++
          const end = marked.files[i + 1] === undefined ? 0 : usedEnd(marked, i)
          if (at < end && !['healed', 'harmless', 'refused'].includes(verdict))
            throw new Error(`segment ${i} at ${at}: ${verdict}`)
          // The marker itself may read as torn: what it vouched for is there.
          if (verdict === 'prefix' && (i !== last || at < mark.offset)) throw new Error(`at ${at}`)
        }
        bytes[at] = before
      }
    }
    tell('bit flips, closed by a marker', seen)
    expect(seen.healed).toBeGreaterThan(ALL_CASES ? 70_000 : 17_000)
    // Headers, padding, trailers; shapes and marks whose own header is intact.
    expect(seen.harmless).toBeGreaterThan(ALL_CASES ? 10_000 : 2_500)
    // The marker, and what nothing is behind.
    const mark = marked.records.at(-1)!
    const markBits = recordBytes(mark.payload.length) * 8
    expect(seen.refused + seen.prefix).toBeLessThanOrEqual(markBits)
  })

  it('flip of every bit of the last segment, without a marker: what a later record vouches for', () => {
    const seen = tally()
    const isChosen = sampler(2, 4)
    const bytes = unmarked.files[last]!.bytes.slice()
    const files = withFile(unmarked, last, bytes)
    for (const at of offsets(unmarked, last)) {
      const before = bytes[at]!
      for (let bit = 0; bit < 8; bit++) {
        if (!isChosen()) continue
        bytes[at] = before ^ (1 << bit)
        seen[judge(unmarked, files, { file: last, from: at, to: at + 1 })]++
      }
      bytes[at] = before
    }
    tell('bit flips of a last segment without a marker', seen)
    expect(seen.healed).toBeGreaterThan(ALL_CASES ? 10_000 : 2_500)
    expect(seen.refused).toBeGreaterThan(ALL_CASES ? 1_000 : 250)
  })

  it('truncation at every byte: the last segment is refused, of others the rest is healed', () => {
    const seen = tally()
    const isChosen = sampler(3, 3)
    for (const log of [marked, unmarked])
      for (const [i, file] of log.files.entries())
        for (let at = 0; at < file.bytes.length; at++) {
          if (!isChosen()) continue
          const files = withFile(log, i, file.bytes.subarray(0, at))
          const verdict = judge(log, files, { file: i, from: at, to: file.bytes.length })
          seen[verdict]++
          const end = i === last ? 0 : usedEnd(log, i)
          const wanted = i === last ? 'refused' : at < end ? 'healed' : 'harmless'
          if (verdict !== wanted) throw new Error(`segment ${i} cut at ${at}: ${verdict}`)
        }
    tell('truncations', seen)
  })

  it('every sector and every pair of sectors of zeros: nothing promised is lost in silence', () => {
    const seen = tally()
    for (const log of [marked, unmarked])
      for (const [i, file] of log.files.entries())
        for (let from = 0; from < file.bytes.length; from += 512)
          for (const to of [from + 512, from + 1024]) {
            const files = withFile(log, i, file.bytes.slice().fill(0, from, to))
            seen[judge(log, files, { file: i, from, to })]++
          }
    tell('sectors of zeros', seen)
    expect(seen.healed).toBeGreaterThan(50)
  })

  it('a stretch of zeros anywhere: nothing promised is lost in silence', () => {
    const seen = tally()
    const isChosen = sampler(4, 3)
    for (const log of [marked, unmarked]) {
      const { bytes } = log.files[last]!
      for (const width of [8, 56, 200, 512, 900])
        for (let from = 512; from < bytes.length; from += 8) {
          if (!isChosen()) continue
          const to = Math.min(bytes.length, from + width)
          const files = withFile(log, last, bytes.slice().fill(0, from, to))
          seen[judge(log, files, { file: last, from, to })]++
        }
    }
    tell('stretches of zeros', seen)
    expect(seen.healed).toBeGreaterThan(ALL_CASES ? 1_000 : 330)
    expect(seen.refused).toBeGreaterThan(ALL_CASES ? 100 : 33)
    expect(seen.prefix).toBeGreaterThan(ALL_CASES ? 50 : 16)
  })

  it('a record of an earlier life of the log in its old place is refused, as is what was behind it', () => {
    const lives = [1, 2].map((life) => {
      const disk = memory()
      const { wal } = opened(disk)
      for (let batch = 1; batch <= 12; batch++) {
        const payload = new Uint8Array(40).fill(batch === 6 ? life : batch)
        wal.append(
          batch,
          payload,
          aboutOf(batch, () => new Uint8Array(8)),
        )
      }
      wal.sync(() => {})
      disk.turns.drain()
      const name = 'wal-00000000000001.seg'
      return { name, number: 1, bytes: disk.fs.content(`${DIR}/${name}`)! }
    })
    const [old, now] = lives as [SegmentFile, SegmentFile]
    const result = read([now])
    if (result instanceof WalError) throw result
    const sixth = batchRecords(result.items).find(({ batch }) => batch === 6)!
    const to = sixth.offset + recordBytes(40)
    const bytes = now.bytes.slice()
    bytes.set(old.bytes.subarray(sixth.offset, to), sixth.offset)
    expect(bytes).not.toEqual(now.bytes)
    expect(read([{ ...now, bytes }])).toBeInstanceOf(WalError)
  })

  it('any two records swapped, doubled or dropped: nothing that was promised is missing in silence', () => {
    const seen = tally()
    const isChosen = sampler(5, 4)
    for (const [i, file] of marked.files.entries()) {
      const records = marked.records.filter((record) => record.file === file.name)
      const pieces = records.map(({ offset, payload }) =>
        file.bytes.slice(offset, offset + recordBytes(payload.length)),
      )
      const first = records[0]!.offset
      for (let a = 0; a < pieces.length; a++)
        for (let b = 0; b < pieces.length; b++) {
          const swapped = pieces.with(a, pieces[b]!).with(b, pieces[a]!)
          const doubled = pieces.with(b, pieces[a]!)
          const inserted = pieces.toSpliced(b, 0, pieces[a]!)
          const dropped = pieces.toSpliced(b, 1)
          for (const order of [swapped, doubled, inserted, dropped]) {
            if (!isChosen()) continue
            const bytes = new Uint8Array(file.bytes.length)
            bytes.set(file.bytes.subarray(0, first))
            let at = first
            for (const piece of order) {
              if (at + piece.length > bytes.length) break
              bytes.set(piece, at)
              at += piece.length
            }
            const touched = { file: i, from: first, to: file.bytes.length }
            const verdict = judge(marked, withFile(marked, i, bytes), touched)
            seen[verdict]++
            const end = first + pieces.reduce((sum, piece) => sum + piece.length, 0)
            const same = equalBytes(bytes.subarray(0, end), file.bytes.subarray(0, end))
            if (verdict === 'all' && !same && i !== last) throw new Error('a swap went unnoticed')
          }
        }
    }
    tell('records swapped, doubled, dropped', seen)
    expect(seen.healed).toBeGreaterThan(ALL_CASES ? 5_000 : 1_250)
  })

  it('every arrangement of segments: a whole suffix is read, what lacks its end is refused, the rest healed', () => {
    const contents = [...marked.files.map((file) => file.bytes), unmarked.files[1]!.bytes, null]
    let suffixes = 0
    let healed = 0
    for (const a of contents)
      for (const b of contents)
        for (const c of contents) {
          const files: SegmentFile[] = []
          for (const [i, bytes] of [a, b, c].entries())
            if (bytes !== null) files.push({ ...marked.files[i]!, bytes })
          const result = read(files)
          const legal = files.every((file) => file.bytes === marked.files[file.number - 1]!.bytes)
          const suffix = files.every((file, i) => file.number === 4 - files.length + i)
          const lastIsThere = files.at(-1)?.bytes === marked.files[last]!.bytes
          const endsWell = files.at(-1)?.number === 3 && lastIsThere
          if (files.length > 0 && !endsWell) expect(result).toBeInstanceOf(WalError)
          else if (result instanceof WalError) throw result
          else if (!legal || !suffix) {
            healed++
            const told = result.items.flatMap((item) => (item.kind === 'lost' ? [] : [item]))
            // A right segment may be doubted for a wrong one beside it; a wrong one is never believed.
            const names = new Set(told.map(({ file }) => file))
            expect(told).toEqual(marked.records.filter(({ file }) => names.has(file)))
            expect(names.has(marked.files[last]!.name)).toBe(true)
            expect(result.damage?.stretches.some(({ outcome }) => outcome === 'lost')).toBe(true)
          } else {
            suffixes++
            expect(result.damage).toBeNull()
            expect(result.items).toHaveLength(
              marked.records.filter((record) => files.some(({ name }) => name === record.file))
                .length,
            )
            if (files.length > 0) expect(result.items[0]?.kind).toBe('state')
          }
        }
    // All, the last two, the last, and none: that one is for the data directory's own mark to refuse.
    expect(suffixes).toBe(4)
    expect(healed).toBeGreaterThan(10)
  })
})

describe('a refusal', () => {
  function refusalOf(files: readonly SegmentFile[]) {
    const result = read(files)
    if (!(result instanceof WalError)) throw new Error('it was not refused')
    return result.refusal
  }

  it('names file, offset and the entries that may be damaged', () => {
    const file = marked.files[last]!.name
    const record = marked.records.filter((one) => one.file === file && one.kind === 'batch')[2]!
    const bytes = marked.files[last]!.bytes.slice()
    bytes[record.offset + 48] = (bytes[record.offset + 48] ?? 0) ^ 1
    const result = read(withFile(marked, last, bytes))
    if (result instanceof WalError || result.damage === null) throw new Error('not healed')
    const { refusal } = result.damage.error
    expect(refusal).toMatchObject({ code: 'WAL_CORRUPT', file: record.file, offset: record.offset })
    const before = Math.max(
      ...marked.records.slice(0, marked.records.indexOf(record)).map(({ lastIndex }) => lastIndex),
    )
    expect(refusal.entries?.after).toBe(before)
    expect(refusal.entries?.through).toBe(
      Math.max(...marked.records.map(({ lastIndex }) => lastIndex)),
    )
  })

  it('of a missing newest segment says which one', () => {
    expect(refusalOf(marked.files.slice(0, 2)).problem).toBe('segment 3 is missing')
    expect(refusalOf(marked.files.slice(0, 1)).problem).toBe('segment 2 is missing')
  })

  it('of another cluster, node or directory names both', () => {
    for (const key of ['clusterId', 'nodeId', 'uid'] as const) {
      const disk = memory()
      for (const file of marked.files) disk.fs.overwrite(`${DIR}/${file.name}`, file.bytes)
      const result = open(disk, { identity: { ...IDENTITY, [key]: 'other' } })
      if (!(result instanceof WalError)) throw new Error('it was not refused')
      expect(result.refusal.code).toBe('WAL_FOREIGN')
      expect(result.message).toContain(`${key} ${IDENTITY[key]}, not other`)
    }
  })

  it('leaves every byte as it was', () => {
    const disk = memory()
    const damaged = marked.files[last]!.bytes.slice()
    damaged[marked.records.at(-1)!.offset + 50]! ^= 1
    for (const file of withFile(marked, last, damaged))
      disk.fs.overwrite(`${DIR}/${file.name}`, file.bytes)
    const before = disk.fs.paths().map((path) => disk.fs.content(path))
    expect(open(disk)).toBeInstanceOf(WalError)
    expect(disk.fs.paths().map((path) => disk.fs.content(path))).toEqual(before)
  })
})

describe('a torn tail', () => {
  it('is cut, zeroed and synced before anything is handed out, and the log goes on behind it', () => {
    const disk = memory()
    const file = unmarked.files[last]!
    const tail = unmarked.records.findLast(({ kind }) => kind === 'batch')!
    const bytes = file.bytes.slice()
    bytes.fill(0, tail.offset + 20)
    for (const one of withFile(unmarked, last, bytes))
      disk.fs.overwrite(`${DIR}/${one.name}`, one.bytes)
    const { wal, records, cut } = opened(disk)
    expect(cut).toMatchObject({ file: file.name, offset: tail.offset })
    // Marks are the log's own.
    const told = unmarked.records.filter(({ kind }) => kind === 'batch' || kind === 'state')
    expect(records).toHaveLength(told.length - 1)
    disk.fs.kill()
    const content = disk.fs.content(`${DIR}/${file.name}`)!
    expect(content.subarray(tail.offset).every((byte) => byte === 0)).toBe(true)
    const about = aboutOf(wal.lastBatch + 1, () => new Uint8Array(1), 0)
    wal.append(wal.lastBatch + 1, new Uint8Array(3), about)
    expect(wal.lastBatch).toBe(tail.batch)
  })
})
