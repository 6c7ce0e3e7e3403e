import { describe, expect, it } from 'vitest'
import { type Inspection, inspectWal } from '../../../src/wal/inspect.js'
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
