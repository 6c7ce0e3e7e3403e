/** A node that has stopped leaves its directory alone. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { EndingDisk } from '../../../src/node/ending-disk.js'
import { nodeFileSystem } from '../../../src/node/file-system.js'
import { nativeHasher } from '../../../src/node/storage.js'
import type { Done, File, FileError } from '../../../src/wal/file-system.js'
import { SnapshotStore } from '../../../src/wal/snapshot-store.js'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorate-ending-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

function* chunks(): Generator<Uint8Array> {
  for (let i = 0; i < 1_000; i++) yield new Uint8Array(1_000)
}

test('a snapshot that is being written is given up, and nothing is done in its folder any more', async () => {
  const disk = new EndingDisk(nodeFileSystem)
  const store = new SnapshotStore(disk, folder, { newHasher: nativeHasher, soon: setImmediate })
  let told: FileError | null | undefined
  store.write(7, chunks(), (error) => {
    told = error
  })
  await expect.poll(() => readdir(folder)).toHaveLength(1)
  await disk.end(10_000)
  await rm(folder, { recursive: true })
  await expect.poll(() => told).toMatchObject({ code: 'ENDED' })
  await expect(readdir(folder)).rejects.toThrow(/ENOENT/)
})

test('what had begun is waited for, and closing is always possible', async () => {
  const begun: string[] = []
  let release = () => {}
  const inner: File = {
    path: 'f',
    read: () => {},
    write: (_at, bytes, done) => {
      release = () => done(null, bytes.length)
    },
    datasync: () => {},
    size: () => {},
    close: (done) => {
      begun.push('close')
      setImmediate(done, null, null)
    },
  }
  const disk = new EndingDisk({
    ...nodeFileSystem,
    open: (_path, _mode, done) => setImmediate(done, null, inner),
  })
  const file = await new Promise<File>((resolve) =>
    disk.open('f', 'create', (_, opened) => opened !== null && resolve(opened)),
  )
  const heard: unknown[] = []
  const hear: Done<unknown> = (error, value) => heard.push(error?.code ?? value)
  file.write(0, new Uint8Array(3), hear)
  let over = false
  const end = disk.end(10_000).then(() => {
    over = true
  })
  file.write(3, new Uint8Array(3), hear)
  await expect.poll(() => heard).toEqual(['ENDED'])
  expect(over).toBe(false)
  release()
  await end
  expect(heard).toEqual(['ENDED', 3])
  file.close(hear)
  await expect.poll(() => heard).toEqual(['ENDED', 3, null])
  expect(begun).toEqual(['close'])
})

test('a disk that never answers is not waited for without end', async () => {
  const disk = new EndingDisk({ ...nodeFileSystem, list: () => {} })
  disk.list('x', () => {})
  await disk.end(50)
})
