import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../src/base/random.js'
import type { FileError } from '../../../src/wal/file-system.js'
import { type SnapshotFile, snapshotName } from '../../../src/wal/snapshot-file.js'
import type { SnapshotReader } from '../../../src/wal/snapshot-reader.js'
import { type Receiving, SnapshotStore } from '../../../src/wal/snapshot-store.js'
import { memory, nativeHasher } from './support.js'

const DIR = '/snap'

function storeOn(disk: ReturnType<typeof memory>): SnapshotStore {
  return new SnapshotStore(disk.fs, DIR, {
    newHasher: nativeHasher,
    soon: (task) => disk.turns.soon(null, null, task),
  })
}

/** Runs to the end; null when nothing came back. */
function run<T>(
  disk: ReturnType<typeof memory>,
  make: (done: (error: FileError | null, value: T | null) => void) => void,
): { error: FileError | null; value: T | null } | null {
  let result: { error: FileError | null; value: T | null } | null = null
  make((error, value) => {
    if (result !== null) throw new Error('called back twice')
    result = { error, value }
  })
  disk.turns.drain()
  return result
}

function contentOf(index: number, length: number): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let at = 0; at < length; at += 900)
    chunks.push(new Uint8Array(Math.min(900, length - at)).map((_, i) => index * 7 + at + i))
  return chunks
}

function written(disk: ReturnType<typeof memory>, index: number, length: number): SnapshotFile {
  const result = run<SnapshotFile>(disk, (done) =>
    storeOn(disk).write(index, contentOf(index, length), done),
  )
  if (result?.value == null) throw new Error(result?.error?.message)
  return result.value
}

describe('a snapshot on disk', () => {
  it('with any bit flipped, or cut anywhere, is refused by name, whole or in parts', () => {
    const disk = memory()
    const snapshot = written(disk, 5, 700)
    const path = `${DIR}/${snapshotName(5)}`
    const bytes = disk.fs.content(path)!
    const mutations: Uint8Array[] = []
    for (let at = 0; at < bytes.length; at++) {
      mutations.push(bytes.slice(0, at))
      for (let bit = 0; bit < 8; bit++) mutations.push(bytes.with(at, bytes[at]! ^ (1 << bit)))
    }
    for (const mutation of mutations) {
      disk.fs.overwrite(path, mutation)
      const whole = run<Uint8Array[]>(disk, (done) => storeOn(disk).read(snapshot, done))
      expect(whole?.error?.code).toBe('SNAPSHOT_CORRUPT')
      expect(whole?.error?.message).toContain(path)
      const opened = run<SnapshotReader>(disk, (done) => storeOn(disk).openToSend(5, done))
      const { error, value: reader } = opened!
      if (reader === null) expect(error?.code).toBe('SNAPSHOT_CORRUPT')
      else {
        const part = run<Uint8Array>(disk, (done) => reader.readAt(0, 700, done))
        // A flipped digest is for the receiver to find: it is not of the content.
        if (part?.error === null) expect(part.value).toEqual(bytes.slice(96, 796))
        else expect(part?.error?.code).toBe('SNAPSHOT_CORRUPT')
      }
    }
  })

  it('is refused under another index, with another digest, and when it is gone', () => {
    const disk = memory()
    const snapshot = written(disk, 5, 700)
    const bytes = disk.fs.content(`${DIR}/${snapshotName(5)}`)!
    disk.fs.overwrite(`${DIR}/${snapshotName(6)}`, bytes)
    const wrong = [
      { ...snapshot, index: 6 },
      { ...snapshot, digest: '0'.repeat(64) },
      { ...snapshot, bytes: 699 },
      { ...snapshot, index: 7 },
    ]
    for (const description of wrong) {
      const result = run<Uint8Array[]>(disk, (done) => storeOn(disk).read(description, done))
      expect(result?.error?.code).toBe('SNAPSHOT_CORRUPT')
    }
  })

  it('is read in parts of any size and place, each verified', () => {
    const disk = memory()
    const length = 3 * 64 * 1024 + 555
    written(disk, 5, length)
    const content = Buffer.concat(contentOf(5, length))
    const reader = run<SnapshotReader>(disk, (done) => storeOn(disk).openToSend(5, done))!.value!
    expect(reader.snapshot.bytes).toBe(length)
    const places = [0, 1, 65_535, 65_536, 65_537, 131_000, length - 1, length, length + 5]
    for (const offset of places)
      for (const size of [0, 1, 1_000, 65_536, 65_537, 200_000, length]) {
        const part = run<Uint8Array>(disk, (done) => reader.readAt(offset, size, done))
        expect(part?.error).toBeNull()
        const wanted = content.subarray(offset, offset + size)
        expect(Buffer.from(part!.value!).equals(wanted), `${offset} ${size}`).toBe(true)
      }
    const path = `${DIR}/${snapshotName(5)}`
    const bytes = disk.fs.content(path)!
    bytes[96 + 70_000]! ^= 1
    disk.fs.overwrite(path, bytes)
    const again = run<SnapshotReader>(disk, (done) => storeOn(disk).openToSend(5, done))!.value!
    expect(run<Uint8Array>(disk, (done) => again.readAt(0, 65_536, done))?.error).toBeNull()
    const bad = run<Uint8Array>(disk, (done) => again.readAt(65_000, 1_000, done))
    expect(bad?.error?.code).toBe('SNAPSHOT_CORRUPT')
  })
})

describe('writing a snapshot', () => {
  it('is all or nothing through a power loss after any number of calls, and keeps the one before', () => {
    let whole = 0
    for (let steps = 0; steps < 40; steps++)
      for (let seed = 1; seed <= 10; seed++) {
        const disk = memory()
        const before = written(disk, 3, 2_000)
        let reported: SnapshotFile | null = null
        storeOn(disk).write(8, contentOf(8, 5_000), (_error, file) => {
          reported = file
        })
        for (let i = 0; i < steps; i++) disk.turns.step()
        disk.fs.crash(seededRandom(seed * 100 + steps))
        disk.turns.drop()
        expect(run<Uint8Array[]>(disk, (d) => storeOn(disk).read(before, d))?.error).toBeNull()
        const left = run<number[]>(disk, (done) => storeOn(disk).list(done))!.value!
        if (reported !== null) {
          whole++
          expect(run<Uint8Array[]>(disk, (d) => storeOn(disk).read(reported!, d))?.error).toBeNull()
        }
        // A name is given only to what is on disk: whatever bears one is whole.
        for (const index of left) {
          const opened = run<SnapshotReader>(disk, (done) => storeOn(disk).openToSend(index, done))
          const reader = opened!.value!
          const { bytes } = reader.snapshot
          expect(run<Uint8Array>(disk, (d) => reader.readAt(0, bytes, d))?.error).toBeNull()
        }
        expect(run<void>(disk, (done) => storeOn(disk).removeUnfinished(done))?.error).toBeNull()
        expect(disk.fs.paths().filter((path) => path.endsWith('.tmp'))).toEqual([])
      }
    expect(whole).toBeGreaterThan(0)
  })

  it('that fails at the k-th call reports it once, and no file has the name', () => {
    for (const code of ['EIO', 'ENOSPC'])
      for (let k = 1; ; k++) {
        let calls = 0
        const disk = memory({ fail: () => (++calls === k ? code : null), writes: (_p, n) => n })
        const result = run<SnapshotFile>(disk, (done) =>
          storeOn(disk).write(8, contentOf(8, 3_000), done),
        )
        if (calls < k) {
          expect(result?.value).not.toBeNull()
          break
        }
        expect(result?.error?.code).toBe(code)
      }
  })

  it('is not disturbed by the end of another that was given up', () => {
    const disk = memory()
    const store = storeOn(disk)
    const first = run<Receiving>(disk, (done) => store.receive(4, done))!.value!
    const second = run<Receiving>(disk, (done) => store.receive(4, done))!.value!
    run<void>(disk, (done) => second.write(Uint8Array.of(1, 2, 3), done))
    first.abort()
    const result = run<SnapshotFile>(disk, (done) => second.finish(null, done))
    expect(result?.error).toBeNull()
    expect(disk.fs.paths()).toEqual([`${DIR}/${snapshotName(4)}`])
  })

  it('notices when the file does not read as written', () => {
    const disk = memory()
    const store = storeOn(disk)
    const receiving = run<Receiving>(disk, (done) => store.receive(4, done))!.value!
    run<void>(disk, (done) => receiving.write(Uint8Array.of(1, 2, 3), done))
    const path = `${DIR}/${snapshotName(4)}.1.tmp`
    const file = run<{ write: Receiving['write'] }>(disk, (done) =>
      disk.fs.open(path, 'existing', done as never),
    )!.value as unknown as { write(at: number, b: Uint8Array, d: () => void): void }
    file.write(97, Uint8Array.of(9), () => {})
    disk.turns.drain()
    const result = run<SnapshotFile>(disk, (done) => receiving.finish(null, done))
    expect(result?.error?.code).toBe('SNAPSHOT_CORRUPT')
    expect(disk.fs.paths()).not.toContain(`${DIR}/${snapshotName(4)}`)
  })

  it('refuses what is not the announced one, and removes it', () => {
    const disk = memory()
    const announced = written(memory(), 4, 1_000)
    const store = storeOn(disk)
    for (const wrong of [
      contentOf(5, 1_000),
      contentOf(4, 999),
      [...contentOf(4, 1_000), new Uint8Array(1)],
    ]) {
      const receiving = run<Receiving>(disk, (done) => store.receive(4, done))!.value!
      for (const piece of wrong) run<void>(disk, (done) => receiving.write(piece, done))
      const result = run<SnapshotFile>(disk, (done) => receiving.finish(announced, done))
      expect(result?.error?.code).toBe('DIGEST')
      expect(disk.fs.paths()).toEqual([])
    }
    const receiving = run<Receiving>(disk, (done) => store.receive(4, done))!.value!
    for (const piece of contentOf(4, 1_000)) run<void>(disk, (done) => receiving.write(piece, done))
    const result = run<SnapshotFile>(disk, (done) => receiving.finish(announced, done))
    expect(result?.value).toEqual(announced)
  })
})
