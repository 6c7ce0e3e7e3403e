/** What becomes of a node's log while the node is down, and what the node says of it. */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { quorate, TestCluster } from './support/cluster.js'

/** The newest segment of a stopped node, and where its used part ends. */
async function lastSegment(cluster: TestCluster, name: string) {
  const folder = join(cluster.seat(name).dataDir, 'wal')
  const file = (await readdir(folder))
    .filter((one) => one.endsWith('.seg'))
    .sort()
    .at(-1)!
  const path = join(folder, file)
  const bytes = await readFile(path)
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === 0) end--
  return { path, file, bytes, end }
}

async function withData(extraFlags: readonly string[] = []): Promise<TestCluster> {
  const cluster = await TestCluster.start({ extraFlags })
  for (let i = 0; i < 50; i++) await cluster.client.put(`k${i}`, 'v'.repeat(200))
  await cluster.converged()
  return cluster
}

it('an unfinished write at the end of the log is cut off, and the node comes back equal', async () => {
  const cluster = await withData()
  try {
    await cluster.stopNode('n2', 'SIGKILL')
    const { path, bytes, end } = await lastSegment(cluster, 'n2')
    // The first half of a record that never got its second: what a power loss leaves.
    const half = bytes.subarray(600, 700)
    bytes.set(half, Math.ceil(end / 8) * 8)
    await writeFile(path, bytes)
    cluster.startNode('n2')
    await cluster.converged()
    expect(cluster.seat('n2').log).toContain('the log ended in an unfinished write')
  } finally {
    await cluster.close()
  }
})

it('a changed byte in the middle is refused by file and offset, and the others go on', async () => {
  const cluster = await withData()
  try {
    await cluster.stopNode('n2', 'SIGTERM')
    const { path, file, bytes } = await lastSegment(cluster, 'n2')
    bytes[900] = (bytes[900] ?? 0) ^ 0x10
    await writeFile(path, bytes)
    cluster.startNode('n2')
    expect(await cluster.exit('n2')).toBe(7)
    expect(cluster.seat('n2').log).toMatch(new RegExp(`WAL_CORRUPT: ${file} at byte [0-9]+`))
    expect(cluster.seat('n2').log).not.toMatch(/^ {4}at /m)
    await cluster.client.put('k', 'the others go on')

    const verify = await quorate(['wal', 'verify', cluster.seat('n2').dataDir])
    expect(verify.code).toBe(7)
    expect(verify.stdout + verify.stderr).toContain(file)
    // Replaced by a copy that is whole, it is a member again.
    bytes[900] = (bytes[900] ?? 0) ^ 0x10
    await writeFile(path, bytes)
    expect((await quorate(['wal', 'verify', cluster.seat('n2').dataDir])).code).toBe(0)
    cluster.startNode('n2')
    await cluster.converged()
  } finally {
    await cluster.close()
  }
})

it('a log that was deleted under a known identity is refused', async () => {
  const cluster = await withData()
  try {
    await cluster.stopNode('n3', 'SIGKILL')
    await rm(join(cluster.seat('n3').dataDir, 'wal'), { recursive: true })
    cluster.startNode('n3')
    expect(await cluster.exit('n3')).toBe(7)
    expect(cluster.seat('n3').log).toContain('wiped')
  } finally {
    await cluster.close()
  }
})

it('two processes do not share a data directory', async () => {
  const cluster = await withData()
  try {
    const { dataDir } = cluster.seat('n1')
    const second = await quorate([
      'serve',
      ...['--name', 'n1', '--data-dir', dataDir],
      ...['--listen-client-urls', 'http://127.0.0.1:0'],
      ...['--listen-peer-urls', 'http://127.0.0.1:23801'],
      ...['--initial-cluster', 'n1=http://127.0.0.1:23801'],
    ])
    expect(second.code).toBe(7)
    expect(second.stderr).toMatch(/in use by process [0-9]+/)
  } finally {
    await cluster.close()
  }
})
