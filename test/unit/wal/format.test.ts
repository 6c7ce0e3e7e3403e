/** The format on disk, as docs/wal-format.md tells it: a change of any of these bytes is a new format version. */
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { crc32c } from '../../../src/base/crc32c.js'
import { utf8Encode } from '../../../src/base/utf8.js'
import {
  RECORD_BYTES_MAX,
  readRecordHeader,
  recordBytes,
  writeRecord,
} from '../../../src/wal/record.js'
import {
  FORMAT_VERSION,
  readSegmentHeader,
  saltOf,
  writeSegmentHeader,
} from '../../../src/wal/segment-header.js'
import { SnapshotStore } from '../../../src/wal/snapshot-store.js'
import { aboutOf, DIR, IDENTITY, memory, nativeHasher, opened, segmentPaths } from './support.js'

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

describe('format 2', () => {
  it('of a log is what it was', () => {
    const disk = memory()
    const { wal } = opened(disk)
    for (let batch = 1; batch <= 40; batch++) {
      const about = aboutOf(batch, () => utf8Encode(`state ${batch}`), batch * 2)
      wal.append(batch, utf8Encode(`payload ${batch} `.repeat(12)), about)
      if (batch % 2 === 0) wal.sync(() => {})
      disk.turns.drain()
    }
    wal.mark()
    disk.turns.drain()
    const all = segmentPaths(disk.fs).map((path) => sha256(disk.fs.content(path)!))
    expect(all).toMatchInlineSnapshot(`
      [
        "f0da9a3caf441385fac371bfd6d3dc02ed956ef046e75e3ea61bc02b64c71d42",
        "87879e5d14f26d53141e52ba8906d4348a5685bbdc0ebb71e9e948c13bedd04f",
        "adae8e22dea0dbdd388dde47cb7fb93a65c0f51b5519ef4f7051c33d71572032",
      ]
    `)
    const first = disk.fs.content(segmentPaths(disk.fs)[0]!)!
    expect(Buffer.from(first.subarray(0, 80)).toString('hex')).toMatchInlineSnapshot(
      `"5152574c020000000100000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000014000000000000026331026e3102753100000000000000"`,
    )
    expect(Buffer.from(first.subarray(512, 512 + 64)).toString('hex')).toMatchInlineSnapshot(
      `"515252430700000001010100010000000000000000000000000000000000000000000000000000009534157b30884a76737461746520310052454e4452454e44"`,
    )
  })

  it('of a snapshot is what it was', () => {
    const disk = memory()
    const store = new SnapshotStore(disk.fs, DIR, {
      newHasher: nativeHasher,
      soon: (task) => disk.turns.soon(null, null, task),
    })
    store.write(258, [new Uint8Array(70_000).map((_, i) => i * 7)], () => {})
    disk.turns.drain()
    const [path = ''] = disk.fs.paths()
    expect(path).toBe('/data/snap-00000000000102.snap')
    expect(sha256(disk.fs.content(path)!)).toMatchInlineSnapshot(
      `"d1a60000fbd28ec77a4808d6f15e1609ac488e97dea502de7f91c95e738a2c0c"`,
    )
  })

  it('of a record lies where the page says', () => {
    const out = new Uint8Array(80).fill(0xff)
    const place = { salt: saltOf(IDENTITY), segment: 2, offset: 4_096 }
    const payload = utf8Encode('hello')
    const record = { kind: 'batch', batch: 7, durableBatch: 6, lastIndex: 2 ** 40 + 9 } as const
    writeRecord(out, 8, place, { ...record, behindDurable: true, previousSum: 0xabc, payload })
    const view = new DataView(out.buffer, 8)
    expect(recordBytes(5)).toBe(64)
    expect(Buffer.from(out.subarray(8, 12)).toString()).toBe('QRRC')
    expect(view.getUint32(4, true)).toBe(5)
    expect([view.getUint8(8), view.getUint8(9), view.getUint16(10, true)]).toEqual([2, 1, 1])
    expect(Number(view.getBigUint64(12, true))).toBe(7)
    expect(Number(view.getBigUint64(20, true))).toBe(6)
    expect(Number(view.getBigUint64(28, true))).toBe(2 ** 40 + 9)
    expect(view.getUint32(36, true)).toBe(0xabc)
    expect(view.getUint32(40, true)).toBe(crc32c(payload))
    expect(Buffer.from(out.subarray(56, 64)).toString('latin1')).toBe('hello\0\0\0')
    expect(Buffer.from(out.subarray(64, 72)).toString()).toBe('RENDREND')
    expect(out[72]).toBe(0xff)
  })
})

describe('a record', () => {
  const place = { salt: saltOf(IDENTITY), segment: 2, offset: 512 }
  const bytes = new Uint8Array(4_096)
  writeRecord(bytes, 512, place, {
    kind: 'batch',
    batch: 1,
    durableBatch: 0,
    behindDurable: false,
    lastIndex: 1,
    previousSum: 0,
    payload: Uint8Array.of(1),
  })

  it('is one only in its place, its segment and its log', () => {
    expect(readRecordHeader(bytes, place)?.batch).toBe(1)
    const moved = new Uint8Array(4_096)
    for (const offset of [0, 8, 504, 520, 1_024]) {
      moved.fill(0)
      moved.set(bytes.subarray(512, 576), offset)
      expect(readRecordHeader(moved, { ...place, offset })).toBeNull()
    }
    for (const segment of [0, 1, 3, 258])
      expect(readRecordHeader(bytes, { ...place, segment })).toBeNull()
    for (const key of ['clusterId', 'nodeId', 'uid'] as const) {
      const salt = saltOf({ ...IDENTITY, [key]: `${IDENTITY[key]}x` })
      expect(readRecordHeader(bytes, { ...place, salt })).toBeNull()
    }
  })

  it('of an impossible length is none, whatever its checksum', () => {
    const forged = bytes.slice()
    const view = new DataView(forged.buffer, 512)
    view.setUint32(4, RECORD_BYTES_MAX + 1, true)
    const seed = ((place.salt ^ Math.imul(2, 0x9e37_79b1)) + Math.imul(512, 0x85eb_ca6b)) >>> 0
    view.setUint32(44, crc32c(forged, seed, 512, 556), true)
    expect(readRecordHeader(forged, place)).toBeNull()
    view.setUint32(4, 1, true)
    view.setUint32(44, crc32c(forged, seed, 512, 556), true)
    expect(readRecordHeader(forged, place)?.length).toBe(1)
  })
})

describe('the header of a segment', () => {
  const header = {
    version: FORMAT_VERSION,
    number: 3,
    identity: { clusterId: 'c'.repeat(128), nodeId: 'né', uid: '' },
    previousHash: new Uint8Array(32).fill(5),
    previousEnd: 4_000,
    capacity: 4_096,
  }

  it('is read as it was written', () => {
    expect(readSegmentHeader(writeSegmentHeader(header))).toEqual({ type: 'ok', header })
  })

  it('of a later version is told from damage, also by its own rules', () => {
    const later = writeSegmentHeader({ ...header, version: FORMAT_VERSION + 1 })
    expect(readSegmentHeader(later)).toEqual({ type: 'newer', version: FORMAT_VERSION + 1 })
    later[100]! ^= 1
    expect(readSegmentHeader(later)).toEqual({ type: 'bad' })
  })

  it('refuses an identity that does not fit instead of cutting it', () => {
    const long = { ...header.identity, nodeId: 'n'.repeat(129) }
    expect(() => writeSegmentHeader({ ...header, identity: long })).toThrow('too long')
  })
})
