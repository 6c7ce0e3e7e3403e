/** What becomes of a node's log while the node is down, and what the node says of it. */
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { quorate, TestCluster } from './support/cluster.js'
import { sharedCluster } from './support/shared.js'

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

async function withData(cluster: TestCluster): Promise<void> {
  for (let i = 0; i < 50; i++) await cluster.client.put(`k${i}`, 'v'.repeat(200))
  await cluster.converged()
}

describe('the log of one of three', () => {
  const shared = sharedCluster({}, withData)

  it('an unfinished write at the end of the log is cut off, and the node comes back equal', async () => {
    const { cluster } = shared
    await cluster.stopNode('n2', 'SIGKILL')
    const { path, bytes, end } = await lastSegment(cluster, 'n2')
    // The first half of a record that never got its second: what a power loss leaves.
    const half = bytes.subarray(600, 700)
    bytes.set(half, Math.ceil(end / 8) * 8)
    await writeFile(path, bytes)
    cluster.startNode('n2')
    await cluster.converged()
    expect(cluster.seat('n2').log).toContain('the log ended in an unfinished write')
  })

  it('a log that was deleted under a known identity is refused', async () => {
    const { cluster } = shared
    await cluster.stopNode('n3', 'SIGKILL')
    const log = join(cluster.seat('n3').dataDir, 'wal')
    await rename(log, `${log}.away`)
    cluster.startNode('n3')
    expect(await cluster.exit('n3')).toBe(7)
    expect(cluster.seat('n3').log).toContain('wiped')
    await rm(log, { recursive: true, force: true })
    await rename(`${log}.away`, log)
  })

  it('two processes do not share a data directory', async () => {
    const { cluster } = shared
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
  })

  it('damage that nothing behind it tells is refused by file and offset, and the others go on', async () => {
    const { cluster } = shared
    await cluster.stopNode('n2', 'SIGTERM')
    const { path, file, bytes, end } = await lastSegment(cluster, 'n2')
    // In the mark that closes the log.
    bytes[end - 20] = (bytes[end - 20] ?? 0) ^ 0x10
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
    bytes[end - 20] = (bytes[end - 20] ?? 0) ^ 0x10
    await writeFile(path, bytes)
    expect((await quorate(['wal', 'verify', cluster.seat('n2').dataDir])).code).toBe(0)
    cluster.startNode('n2')
    await cluster.converged()
  })

  it('a changed byte in the middle heals from the peers; `wal verify` tells where it is', async () => {
    const { cluster } = shared
    await cluster.stopNode('n2', 'SIGTERM')
    const { path, file, bytes } = await lastSegment(cluster, 'n2')
    const value = bytes.indexOf('v'.repeat(200), 3_000)
    bytes[value] = (bytes[value] ?? 0) ^ 0x10
    await writeFile(path, bytes)
    const { dataDir } = cluster.seat('n2')
    const verify = await quorate(['wal', 'verify', dataDir])
    expect(verify.code).toBe(7)
    expect(verify.stdout).toMatch(new RegExp(`damaged: ${file} at byte [0-9]+.*asks them`))
    const dump = await quorate(['wal', 'dump', dataDir])
    expect(dump.code).toBe(0)
    expect(dump.stdout).toMatch(/Append[\s\S]*damaged: Lost through [0-9]+[\s\S]*Append/)

    cluster.startNode('n2')
    await cluster.converged()
    expect(cluster.seat('n2').log).toContain(`the log is damaged: ${file} at byte`)
    expect(cluster.seat('n2').log).toContain('asking peers')
    expect(cluster.seat('n2').log).toContain('log-healed')
    // What was filled is in the log again: the next start finds nothing missing.
    await cluster.stopNode('n2', 'SIGTERM')
    cluster.startNode('n2')
    await cluster.converged()
    expect(cluster.seat('n2').log).toContain('damage on the disk, and nothing is missing')
  })
})

it('rot in other places of every node heals, with no leader to begin with', async () => {
  const cluster = await TestCluster.start()
  try {
    await withData(cluster)
    const names = cluster.seats.map((seat) => seat.name)
    for (const name of names) await cluster.stopNode(name, 'SIGTERM')
    for (const [i, name] of names.entries()) {
      const { path, bytes } = await lastSegment(cluster, name)
      bytes.fill(0x5a, 3_000 + 4_000 * i, 4_000 + 4_000 * i)
      await writeFile(path, bytes)
    }
    for (const name of names) cluster.startNode(name)
    await cluster.leader()
    await cluster.converged()
    for (let i = 0; i < 50; i++) expect(await cluster.client.get(`k${i}`)).not.toBeNull()
    for (const name of names) expect(cluster.seat(name).log).toContain('log-healed')
  } finally {
    await cluster.close()
  }
})

it('what every node has lost is said to be lost, by file and offset', async () => {
  const cluster = await TestCluster.start()
  try {
    await withData(cluster)
    const names = cluster.seats.map((seat) => seat.name)
    for (const name of names) await cluster.stopNode(name, 'SIGTERM')
    for (const name of names) {
      const { path, bytes } = await lastSegment(cluster, name)
      for (let at = bytes.indexOf('k25'); at >= 0; at = bytes.indexOf('k25', at + 1)) bytes[at] = 0
      await writeFile(path, bytes)
    }
    for (const name of names) cluster.startNode(name)
    // The first that gives up takes a witness with it: the others have nobody to hear it from.
    const codes = names.map((name) => cluster.exit(name))
    expect(await Promise.race(codes)).toBe(7)
    const told = names.filter((name) =>
      /WAL_CORRUPT: wal-.* at byte [0-9]+.*no member has what is missing/.test(
        cluster.seat(name).log,
      ),
    )
    expect(told.length).toBeGreaterThan(0)
  } finally {
    await cluster.close()
  }
})

it('a snapshot that is damaged or gone heals from the peers', async () => {
  const cluster = await TestCluster.start({ extraFlags: ['--snapshot-count', '20'] })
  try {
    await withData(cluster)
    for (const harm of ['damaged', 'gone']) {
      await cluster.stopNode('n2', 'SIGTERM')
      const folder = join(cluster.seat('n2').dataDir, 'snap')
      const files = (await readdir(folder)).filter((one) => one.endsWith('.snap')).sort()
      expect(files.length).toBeGreaterThan(0)
      for (const file of files) {
        const path = join(folder, file)
        if (harm === 'gone') await rm(path)
        else {
          const bytes = await readFile(path)
          bytes[200] = (bytes[200] ?? 0) ^ 1
          await writeFile(path, bytes)
        }
      }
      cluster.startNode('n2')
      await cluster.converged()
      expect(cluster.seat('n2').log).toContain('SNAPSHOT_CORRUPT')
      expect(cluster.seat('n2').log).toContain('snapshot-installed')
      cluster.seat('n2').log = ''
    }
  } finally {
    await cluster.close()
  }
})

it('a node that is alone refuses a damaged log, and leaves it as it is', async () => {
  const cluster = await TestCluster.start({ nodes: 1 })
  try {
    for (let i = 0; i < 20; i++) await cluster.client.put(`k${i}`, 'v'.repeat(200))
    await cluster.stopNode('n1', 'SIGTERM')
    const { path, file, bytes } = await lastSegment(cluster, 'n1')
    const value = bytes.indexOf('v'.repeat(200))
    bytes[value] = (bytes[value] ?? 0) ^ 0x10
    await writeFile(path, bytes)
    cluster.startNode('n1')
    expect(await cluster.exit('n1')).toBe(7)
    expect(cluster.seat('n1').log).toMatch(new RegExp(`WAL_CORRUPT: ${file} at byte [0-9]+`))
    expect((await readFile(path)).equals(bytes)).toBe(true)
  } finally {
    await cluster.close()
  }
})
