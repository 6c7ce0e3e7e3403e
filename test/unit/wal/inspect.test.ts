import { describe, expect, it } from 'vitest'
import { type Inspection, inspectWal } from '../../../src/wal/inspect.js'
import type { RecoveredRecord, SegmentFile } from '../../../src/wal/recovery.js'
import type { WalError } from '../../../src/wal/refusal.js'
import { mixedLog } from './cases.js'
import { DIR, IDENTITY, memory, nativeHasher } from './support.js'

const log = mixedLog({ marked: true })

function inspect(damage: (bytes: Uint8Array) => void, file = 1) {
  const disk = memory()
  for (const [i, { name, bytes }] of log.files.entries()) {
    const copy = bytes.slice()
    if (i === file) damage(copy)
    disk.fs.overwrite(`${DIR}/${name}`, copy)
  }
  const before = disk.fs.paths().map((path) => disk.fs.content(path))
  const seen: { error: WalError | null; inspection: Inspection | null }[] = []
  inspectWal(disk.fs, DIR, nativeHasher, (error, inspection) => seen.push({ error, inspection }))
  disk.turns.drain()
  expect(disk.fs.paths().map((path) => disk.fs.content(path))).toEqual(before)
  expect(seen).toHaveLength(1)
  return seen[0]!
}

/** Of the third record of its kind in that file, or of the only one. */
function placeOf(kind: RecoveredRecord['kind'], file: number): number {
  const found = log.records.filter((one) => one.kind === kind && one.file === log.files[file]!.name)
  return (found[2] ?? found[0])!.offset
}

describe('looking at a log', () => {
  it('tells whose it is, every record and where it lies', () => {
    const { error, inspection } = inspect(() => {})
    expect(error).toBeNull()
    expect(inspection?.identity).toEqual(IDENTITY)
    expect(inspection?.recovered.items).toEqual(log.records)
    expect(inspection?.recovered.segments.map((segment) => segment.number)).toEqual([1, 2, 3])
  })

  it('that is damaged tells where, and all that is intact around it', () => {
    const hit = log.records.filter((record) => record.file === log.files[1]!.name)[7]!
    const { error, inspection } = inspect((bytes) => {
      bytes[hit.offset + 4]! ^= 1
    })
    expect(error).toBeNull()
    const { stretches } = inspection!.recovered.damage!
    expect(stretches).toMatchObject([{ file: hit.file, offset: hit.offset, outcome: 'lost' }])
    const told = inspection!.recovered.items.filter(({ kind }) => kind !== 'lost')
    expect(told).toEqual(log.records.filter((record) => record !== hit))
  })

  it.each([
    ['a header of a segment', 'harmless', () => ({ file: 1, at: 20 })],
    ['a State record', 'lost', () => ({ file: 1, at: placeOf('state', 1) + 50 })],
    ['a batch', 'lost', () => ({ file: 0, at: placeOf('batch', 0) + 44 })],
    ['the bytes of a shape', 'harmless', () => ({ file: 0, at: placeOf('shape', 0) + 50 })],
    ['the header of a shape', 'lost', () => ({ file: 0, at: placeOf('shape', 0) + 44 })],
    ['a trailer', 'harmless', () => ({ file: 0, at: placeOf('shape', 0) - 1 })],
    ['the last mark', 'hopeless', () => ({ file: 2, at: log.records.at(-1)!.offset + 50 })],
  ] as const)('of which %s is damaged calls it %s, and where it lies', (_, outcome, where) => {
    const { file, at } = where()
    const { error, inspection } = inspect((bytes) => {
      bytes[at]! ^= 1
    }, file)
    const stretches = inspection?.recovered.damage?.stretches ?? []
    expect(stretches[0]).toMatchObject({ file: log.files[file]!.name, outcome })
    expect(stretches[0]!.offset).toBeLessThanOrEqual(at)
    // The segment's hash may tell the same once more.
    expect(stretches.every((one) => one.outcome === outcome)).toBe(true)
    expect(error !== null).toBe(outcome === 'hopeless')
  })

  it('of which a file is cut short, missing or another one tells it', () => {
    const found = (files: readonly { name: string; bytes: Uint8Array }[]) => {
      const disk = memory()
      for (const { name, bytes } of files) disk.fs.overwrite(`${DIR}/${name}`, bytes)
      let seen: Inspection | null = null
      inspectWal(disk.fs, DIR, nativeHasher, (_, inspection) => {
        seen = inspection
      })
      disk.turns.drain()
      const inspection = seen as Inspection | null
      return inspection?.recovered.damage?.stretches.map(({ outcome }) => outcome)
    }
    const [a, b, c] = log.files as [SegmentFile, SegmentFile, SegmentFile]
    expect(found([a, { ...b, bytes: b.bytes.subarray(0, 900) }, c])).toEqual(['lost'])
    expect(found([a, c])).toEqual(['lost'])
    expect(found([a, { ...b, bytes: a.bytes }, c])).toContain('lost')
    expect(found([a, b])).toEqual(['hopeless'])
  })

  it('that nothing behind its damage can heal gives the refusal, and all that is intact', () => {
    const hit = log.records.at(-1)!
    const { error, inspection } = inspect((bytes) => {
      bytes[hit.offset + 50]! ^= 1
    }, 2)
    expect(error?.refusal).toMatchObject({ code: 'WAL_CORRUPT', offset: hit.offset })
    expect(inspection?.identity).toEqual(IDENTITY)
    expect(inspection?.recovered.items).toEqual(log.records.slice(0, -1))
  })

  it('of which a file cannot be read gives the disk’s error', () => {
    const disk = memory({ fail: (operation) => (operation === 'read' ? 'EIO' : null) })
    disk.fs.overwrite(`${DIR}/${log.files[0]!.name}`, log.files[0]!.bytes)
    let refused: WalError | null = null
    inspectWal(disk.fs, DIR, nativeHasher, (error) => {
      refused = error
    })
    disk.turns.drain()
    expect((refused as WalError | null)?.refusal.code).toBe('WAL_IO')
  })
})
