/** What the log and the snapshots expect of any file system, held against the one in memory and the one on disk. */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { logFileSystem, nodeFileSystem } from '../../../src/node/file-system.js'
import {
  type Done,
  type File,
  type FileError,
  type FileSystem,
  writeAll,
} from '../../../src/wal/file-system.js'
import { MemoryFileSystem } from '../../../src/wal/memory-file-system.js'
import { type Opened, openWal } from '../../../src/wal/open.js'
import { SnapshotStore } from '../../../src/wal/snapshot-store.js'
import {
  aboutOf,
  appendBatch,
  assertTrue,
  batchesOf,
  batchRecords,
  nativeHasher,
  SEGMENT_BYTES,
  walOptions,
} from './support.js'

/** The result, and proof that the callback did not come inside the call. */
function call<T>(make: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    let returned = false
    make((error, value) => {
      if (!returned) reject(new Error('called back inside the call'))
      else if (error !== null) reject(error)
      else resolve(value as T)
    })
    returned = true
  })
}

function openLog(fs: FileSystem, dir: string): Promise<Opened> {
  const options = walOptions({
    onFailure: (error) => {
      throw error
    },
  })
  return new Promise((resolve, reject) =>
    openWal(fs, dir, options, (error, opened) =>
      opened === null ? reject(error) : resolve(opened),
    ),
  )
}

const made: string[] = []
afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true })
})

const kinds: [string, () => { fs: FileSystem; root: string }][] = [
  [
    'in memory',
    () => ({
      fs: new MemoryFileSystem({ soon: (_operation, _path, task) => void setImmediate(task) }),
      root: '/data',
    }),
  ],
  ['of node', () => ({ fs: nodeFileSystem, root: newFolder() })],
  ['of node, for a log', () => ({ fs: logFileSystem, root: newFolder() })],
]

function newFolder(): string {
  const root = mkdtempSync(join(tmpdir(), 'quorate-fs-'))
  made.push(root)
  return root
}

describe.each(kinds)('the file system %s', (name, make) => {
  it('writes, reads, lists, renames and unlinks', async () => {
    const { fs, root } = make()
    const dir = `${root}/a/b`
    await call<void>((done) => fs.mkdir(dir, done))
    await call<void>((done) => fs.mkdir(dir, done))
    const file = await call<File>((done) => fs.open(`${dir}/one`, 'create', done))
    await call<void>((done) => writeAll(file, 3, Uint8Array.of(1, 2, 3), done))
    expect(await call<number>((done) => file.size(done))).toBe(6)
    expect([...(await call<Uint8Array>((done) => file.read(2, 100, done)))]).toEqual([0, 1, 2, 3])
    expect(await call<Uint8Array>((done) => file.read(6, 10, done))).toHaveLength(0)
    expect(await call<Uint8Array>((done) => file.read(0, 0, done))).toHaveLength(0)
    await call<void>((done) => writeAll(file, 0, new Uint8Array(0), done))
    await call<void>((done) => file.datasync(done))
    await call<void>((done) => file.close(done))
    await call<void>((done) => fs.rename(`${dir}/one`, `${dir}/two`, done))
    await call<File>((done) => fs.open(`${dir}/another`, 'create', done)).then((one) =>
      call<void>((done) => one.close(done)),
    )
    await call<void>((done) => fs.syncDirectory(dir, done))
    expect(await call<string[]>((done) => fs.list(dir, done))).toEqual(['another', 'two'])
    await call<void>((done) => fs.unlink(`${dir}/another`, done))
    expect(await call<string[]>((done) => fs.list(dir, done))).toEqual(['two'])
    const again = await call<File>((done) => fs.open(`${dir}/two`, 'existing', done))
    expect([...(await call<Uint8Array>((done) => again.read(0, 6, done)))]).toEqual([
      0, 0, 0, 1, 2, 3,
    ])
    await call<void>((done) => again.close(done))
    const empty = await call<File>((done) => fs.open(`${dir}/two`, 'create', done))
    expect(await call<number>((done) => empty.size(done))).toBe(0)
    await call<void>((done) => empty.close(done))
  })

  it('gives errors as values that name code, operation and path', async () => {
    const { fs, root } = make()
    await call<void>((done) => fs.mkdir(root, done))
    const path = `${root}/nothing`
    const attempts: ((done: Done<unknown>) => void)[] = [
      (done) => fs.open(path, 'existing', done),
      (done) => fs.unlink(path, done),
      (done) => fs.rename(path, `${root}/x`, done),
    ]
    for (const attempt of attempts) {
      const error = await call(attempt).catch((caught: FileError) => caught)
      expect(error).toMatchObject({ code: 'ENOENT', path })
      expect((error as FileError).operation).not.toBe('')
      expect((error as FileError).message).toContain('ENOENT')
    }
  })

  it('answers after the call that asked', async () => {
    const { fs, root } = make()
    await call<void>((done) => fs.mkdir(root, done))
    const file = await call<File>((done) => fs.open(`${root}/one`, 'create', done))
    let returned = false
    const writing = call<number>((done) =>
      file.write(0, Uint8Array.of(7), (error, written) => {
        expect(returned).toBe(true)
        done(error, written)
      }),
    )
    returned = true
    expect(await writing).toBe(1)
    await call<void>((done) => file.close(done))
    if (name === 'in memory') return
    const failed = call<number>((done) => file.write(0, Uint8Array.of(7), done))
    await expect(failed).rejects.toMatchObject({ code: 'EBADF', operation: 'write' })
  })

  it('carries a log through many lives', async () => {
    const { fs, root } = make()
    const dir = `${root}/wal`
    let synced = 0
    for (let life = 0; life < 5; life++) {
      const { wal, records, cut } = await openLog(fs, dir)
      expect(cut).toBeNull()
      assertTrue(records)
      expect(wal.lastBatch).toBe(synced)
      expect(records.length === 0 || records[0]?.kind === 'state').toBe(true)
      for (let batch = synced + 1; batch <= synced + 60; batch++) {
        appendBatch(wal, batch)
        if (batch % 4 === 0) await new Promise<number>((done) => wal.sync(done))
      }
      synced = await new Promise<number>((done) => wal.sync(done))
      wal.release((synced - 70) * 10)
      if (life % 2 === 0) await new Promise<void>((done) => wal.mark(done))
      await new Promise<void>((done) => wal.close(done))
    }
    const { records, wal } = await openLog(fs, dir)
    expect(batchesOf(records).at(-1)).toBe(300)
    // How far a release got before its log was closed is the disk's to say.
    expect(batchesOf(records)[0]).toBeGreaterThan(50)
    await new Promise<void>((done) => wal.close(done))
  })

  it('gives a batch that is larger than a segment one of its own', async () => {
    const { fs, root } = make()
    const dir = `${root}/wal`
    const { wal } = await openLog(fs, dir)
    const large = new Uint8Array(3 * SEGMENT_BYTES + 17).map((_, i) => i * 31)
    appendBatch(wal, 1)
    wal.append(
      2,
      large,
      aboutOf(2, () => new Uint8Array(5)),
    )
    wal.append(
      3,
      large.subarray(1),
      aboutOf(3, () => new Uint8Array(5)),
    )
    wal.append(
      4,
      Uint8Array.of(4),
      aboutOf(4, () => new Uint8Array(5)),
    )
    await new Promise<number>((done) => wal.sync(done))
    await new Promise<void>((done) => wal.close(done))
    const again = await openLog(fs, dir)
    const batches = batchRecords(again.records)
    expect(batches.map((record) => record.batch)).toEqual([1, 2, 3, 4])
    expect(Buffer.compare(Buffer.from(batches[1]!.payload), Buffer.from(large))).toBe(0)
    expect(Buffer.compare(Buffer.from(batches[2]!.payload), Buffer.from(large.subarray(1)))).toBe(0)
    await new Promise<void>((done) => again.wal.close(done))
  })

  it('carries snapshots', async () => {
    const { fs, root } = make()
    await call<void>((done) => fs.mkdir(root, done))
    const store = new SnapshotStore(fs, root, { newHasher: nativeHasher, soon: setImmediate })
    const chunks = Array.from({ length: 40 }, (_, i) => new Uint8Array(5_000).fill(i))
    const first = await call<{ index: number; digest: string; bytes: number }>((done) =>
      store.write(7, chunks, done),
    )
    expect(first).toMatchObject({ index: 7, bytes: 200_000 })
    const second = await call<{ index: number; digest: string; bytes: number }>((done) =>
      store.write(9, [], done),
    )
    expect(await call<number[]>((done) => store.list(done))).toEqual([9, 7])
    const pieces = await call<Uint8Array[]>((done) => store.read(first, done))
    expect(Buffer.concat(pieces).equals(Buffer.concat(chunks))).toBe(true)
    expect(await call<Uint8Array[]>((done) => store.read(second, done))).toEqual([])
    await call<void>((done) => store.removeBelow(9, done))
    expect(await call<number[]>((done) => store.list(done))).toEqual([9])
  })
})

describe('the file system of node', () => {
  it('makes files and folders that nobody else may read', async () => {
    const { fs, root } = kinds[1]![1]()
    await call<void>((done) => fs.mkdir(`${root}/private`, done))
    const file = await call<File>((done) => fs.open(`${root}/private/f`, 'create', done))
    await call<void>((done) => file.close(done))
    expect(statSync(`${root}/private`).mode & 0o777).toBe(0o700)
    expect(statSync(`${root}/private/f`).mode & 0o777).toBe(0o600)
  })
})
