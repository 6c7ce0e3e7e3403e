import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { planCluster, readCluster, writeCluster } from '../../../src/cli/dev/folder.js'
import { withKeys } from '../../../src/cli/dev/keys.js'
import { LogFile } from '../../../src/cli/dev/log-file.js'
import { pickPorts, requireFree } from '../../../src/cli/dev/ports.js'
import { newRestarts, onDeath } from '../../../src/cli/dev/restarts.js'
import { parseClusterFile } from '../../../src/crypto/cluster-file.js'
import { freePorts } from '../../support/ports.js'

const dir = mkdtempSync(join(tmpdir(), 'quorate-dev-'))
afterAll(() => rmSync(dir, { recursive: true }))

const FLAGS = { dataDir: dir, restart: true }
const ports = (cluster: ReturnType<typeof planCluster>) =>
  cluster.nodes.map((seat) => [seat.name, seat.clientPort, seat.peerPort])

describe('the folder of a development cluster', () => {
  it('has three nodes, ten ports apart, by default', () => {
    expect(ports(planCluster(FLAGS, null, null))).toEqual([
      ['n1', 2379, 2380],
      ['n2', 2389, 2390],
      ['n3', 2399, 2400],
    ])
  })

  it('takes other numbers and picked ports', () => {
    expect(ports(planCluster({ ...FLAGS, nodes: 1, basePort: 5_000 }, null, null))).toEqual([
      ['n1', 5_000, 5_001],
    ])
    expect(ports(planCluster({ ...FLAGS, nodes: 2, basePort: 0 }, null, [7, 8, 9, 10]))).toEqual([
      ['n1', 7, 8],
      ['n2', 9, 10],
    ])
  })

  it('is repeated by a later start without flags, and keeps its token whatever the ports', () => {
    const first = planCluster({ ...FLAGS, nodes: 5, basePort: 6_000 }, null, null)
    writeCluster(dir, first)
    const found = readCluster(dir)
    expect(found).toEqual(first)
    expect(planCluster(FLAGS, found, null)).toEqual(first)
    const moved = planCluster({ ...FLAGS, basePort: 7_000 }, found, null)
    expect(moved.token).toBe(first.token)
    expect(moved.nodes[4]?.clientPort).toBe(7_040)
  })

  it('refuses another number of nodes, with both ways out', () => {
    const found = planCluster(FLAGS, null, null)
    const run = () => planCluster({ ...FLAGS, nodes: 5 }, found, null)
    expect(run).toThrow(expect.objectContaining({ exitCode: 2 }))
    expect(run).toThrow(/leave --nodes out .* --data-dir/)
  })

  it('refuses another protocol and ports beyond the last', () => {
    const raft = planCluster(FLAGS, null, null)
    expect(() => planCluster({ ...FLAGS, protocol: 'pbft' }, raft, null)).toThrow(
      /on raft, not pbft: leave --protocol out .* --data-dir/,
    )
    expect(() => planCluster({ ...FLAGS, protocol: 'rft' }, null, null)).toThrow('raft or pbft')
    expect(() => planCluster({ ...FLAGS, basePort: 65_000, nodes: 9 }, null, null)).not.toThrow()
    expect(() => planCluster({ ...FLAGS, basePort: 65_535, nodes: 1 }, null, null)).toThrow('room')
  })

  it('plans four nodes for PBFT, and refuses fewer', () => {
    const plan = planCluster({ ...FLAGS, protocol: 'pbft' }, null, null)
    expect(plan.nodes.map(({ name }) => name)).toEqual(['n1', 'n2', 'n3', 'n4'])
    expect(planCluster(FLAGS, plan, null)).toEqual(plan)
    expect(() => planCluster({ ...FLAGS, protocol: 'pbft', nodes: 3 }, null, null)).toThrow('3f+1')
  })

  it('makes the keys of a PBFT cluster once, for nobody else to read', () => {
    const folder = mkdtempSync(join(dir, 'keys-'))
    const plan = planCluster({ ...FLAGS, protocol: 'pbft' }, null, null)
    const first = withKeys(folder, plan)
    expect(withKeys(folder, plan)).toEqual(first)
    const files = readdirSync(join(folder, 'keys'))
    expect(files).toHaveLength(8)
    for (const file of files) expect(statSync(join(folder, 'keys', file)).mode & 0o777).toBe(0o600)
    const keys = parseClusterFile(JSON.stringify(first))
    expect(keys.replicas.map(({ name }) => name)).toEqual(['n1', 'n2', 'n3', 'n4'])
    expect(keys.endpoints.get('n2')).toBe('127.0.0.1:2389')
    expect(keys.allowAnonymousClients).toBe(true)
  })

  it('refuses a file that is no cluster', () => {
    const other = mkdtempSync(join(dir, 'other-'))
    expect(readCluster(other)).toBe(null)
    for (const text of ['{', '{"version":2}', '[]']) {
      writeFileSync(join(other, 'cluster.json'), text)
      expect(() => readCluster(other), text).toThrow(expect.objectContaining({ exitCode: 7 }))
    }
  })
})

const hold = async (port: number) => {
  const holder = createServer()
  await new Promise<void>((done) => holder.listen(port, '127.0.0.1', () => done()))
  return holder
}

describe('ports', () => {
  it('picks free ones, all different, and names one that is taken', async () => {
    const picked = await pickPorts(6)
    expect(new Set(picked).size).toBe(6)
    const cluster = planCluster({ ...FLAGS, basePort: 0 }, null, picked)
    await requireFree(cluster)
    const holder = await hold(picked[3]!)
    try {
      await expect(requireFree(cluster)).rejects.toThrow(
        `port ${picked[3]} (n2, peers) is taken: is a cluster running already? else choose others with --base-port`,
      )
    } finally {
      holder.close()
    }
  })

  it('follow each other, below what a system gives to connections that go out', async () => {
    const picked = await pickPorts(4)
    expect(picked).toEqual([0, 1, 2, 3].map((i) => picked[0]! + i))
    expect(picked[3]).toBeLessThan(32_768)
  })

  it('pass by one that is taken, and are refused where no row of them is left', async () => {
    const [from = 0] = await freePorts(5)
    const holder = await hold(from + 1)
    try {
      expect(await pickPorts(3, { from, end: from + 5 })).toEqual([from + 2, from + 3, from + 4])
      await expect(pickPorts(4, { from, end: from + 5 })).rejects.toThrow(
        `no 4 free ports in a row from ${from} to ${from + 4}: choose them with --base-port`,
      )
      await expect(pickPorts(6, { from, end: from + 5 })).rejects.toThrow('no 6 free ports')
    } finally {
      holder.close()
    }
  })
})

describe('restarts', () => {
  it('wait longer each time, up to 5 s', () => {
    const restarts = newRestarts()
    const delays = [0, 1, 2, 3, 4, 5].map((i) => onDeath(restarts, i * 20_000, 1_000))
    expect(delays).toEqual([500, 1_000, 2_000, 4_000, 5_000, 5_000])
  })

  it('begin anew after a life of 30 s', () => {
    const restarts = newRestarts()
    onDeath(restarts, 0, 10)
    onDeath(restarts, 1_000, 10)
    expect(onDeath(restarts, 40_000, 30_000)).toBe(500)
  })

  it('end with the fifth death within 10 s', () => {
    const restarts = newRestarts()
    const delays = [0, 1_000, 3_000, 5_000, 9_000].map((at) => onDeath(restarts, at, 10))
    expect(delays.slice(0, 4)).not.toContain(null)
    expect(delays[4]).toBe(null)
    const slower = newRestarts()
    for (const at of [0, 3_000, 6_000, 9_000, 12_000])
      expect(onDeath(slower, at, 10)).not.toBe(null)
  })
})

describe('a log', () => {
  it('keeps one old file and its last lines', () => {
    const logs = mkdtempSync(join(dir, 'logs-'))
    const path = join(logs, 'quorate.log')
    const log = new LogFile(path, 100)
    for (let i = 0; i < 30; i++) log.write(Buffer.from(`line ${i} of the log\n`))
    expect(log.lastLines(2)).toEqual(['line 28 of the log', 'line 29 of the log'])
    log.close()
    expect(readdirSync(logs).sort()).toEqual(['quorate.log', 'quorate.log.1'])
    for (const name of readdirSync(logs))
      expect(statSync(join(logs, name)).size).toBeLessThanOrEqual(100)
    expect(readFileSync(path, 'utf8')).toContain('line 29')
    const again = new LogFile(path, 100)
    again.write(Buffer.from('more\n'))
    again.close()
    expect(readFileSync(path, 'utf8')).toMatch(/line 29 of the log\nmore\n$/)
  })
})
