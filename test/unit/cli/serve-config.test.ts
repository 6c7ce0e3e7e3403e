import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { toServeConfig } from '../../../src/cli/serve-config.js'
import { gather } from '../../../src/cli/serve-written.js'

const dir = mkdtempSync(join(tmpdir(), 'quorate-config-'))
afterAll(() => rmSync(dir, { recursive: true }))

const fromFlags = (options: Record<string, unknown>) => toServeConfig(gather(options, () => 'cli'))

function fromFile(yaml: string, options: Record<string, unknown> = {}) {
  const file = join(dir, 'q.yaml')
  writeFileSync(file, yaml)
  return toServeConfig(gather({ ...options, configFile: file }, () => 'cli'))
}

const THREE = 'n1=http://127.0.0.1:1,n2=http://127.0.0.1:2,n3=http://127.0.0.1:3'

describe('the configuration of a node', () => {
  it("has etcd's defaults", () => {
    const { node, warnings } = fromFlags({})
    expect(node).toMatchObject({
      name: 'default',
      protocol: 'raft',
      dataDir: join(process.cwd(), 'default.quorate'),
      listenClient: { host: '127.0.0.1', port: 2379 },
      listenPeer: { host: '127.0.0.1', port: 2380 },
      advertiseClient: null,
      initialCluster: [{ name: 'default', address: { host: '127.0.0.1', port: 2380 } }],
      enableFaultInjection: false,
      http: { hosts: [], origins: [] },
      timing: { electionTimeoutMs: 1_000, heartbeatMs: 100, tickMs: 20 },
    })
    expect(warnings).toEqual([])
  })

  it('takes flags, and numbers and switches from a file', () => {
    const { node } = fromFile(
      `name: n2\ninitial-cluster: ${THREE}\nelection-timeout: 400\nheartbeat-interval: "40"\nenable-fault-injection: true\nlisten-client-urls: http://127.0.0.1:0\nsnapshot-count: 100\n`,
    )
    expect(node.name).toBe('n2')
    expect(node.initialCluster.map((one) => one.name)).toEqual(['n1', 'n2', 'n3'])
    expect(node.timing).toMatchObject({ electionTimeoutMs: 400, heartbeatMs: 40 })
    expect(node.enableFaultInjection).toBe(true)
    expect(node.listenClient?.port).toBe(0)
    expect(node.limits.snapshotEntries).toBe(100)
    expect(node.limits.keepEntries).toBeLessThanOrEqual(100)
  })

  it.each([
    [{}, 2_147_483_648, null],
    [{ quotaBackendBytes: '0', autoCompactionRetention: '0' }, 2_147_483_648, null],
    [{ quotaBackendBytes: '-1' }, null, null],
    [{ quotaBackendBytes: '8000' }, 8_000, null],
    [{ autoCompactionRetention: '30m' }, 2_147_483_648, { mode: 'periodic', ms: 1_800_000 }],
    [{ autoCompactionRetention: '72' }, 2_147_483_648, { mode: 'periodic', ms: 259_200_000 }],
    [
      { autoCompactionMode: 'revision', autoCompactionRetention: '1000' },
      2_147_483_648,
      { mode: 'revision', revisions: 1_000 },
    ],
  ])('knows how much the store may hold, and for how long: %j', (options, quota, retention) => {
    const { limits } = fromFlags(options).node
    expect([limits.quotaBytes, limits.autoCompaction]).toEqual([quota, retention])
  })

  it.each([
    [{ quotaBackendBytes: '2G' }, '--quota-backend-bytes: expected a number of bytes, got "2G"'],
    [{ autoCompactionMode: 'hourly' }, '--auto-compaction-mode: expected periodic or revision'],
    [{ autoCompactionRetention: 'long' }, '--auto-compaction-retention: expected a time'],
    [
      { autoCompactionMode: 'revision', autoCompactionRetention: '5m' },
      '--auto-compaction-retention: expected a number of revisions, got "5m"',
    ],
  ])('says what is wrong with how much is kept: %j', (options, message) => {
    expect(() => fromFlags(options)).toThrow(message)
  })

  it('lets a flag win over the file', () => {
    expect(fromFile('name: from-file\n', { name: 'from-flag' }).node.name).toBe('from-flag')
  })

  it('warns of an even number and of a tight election timeout', () => {
    const cluster = 'default=http://127.0.0.1:2380,b=http://127.0.0.1:2'
    expect(fromFlags({ initialCluster: cluster }).warnings.join()).toContain('odd')
    expect(fromFlags({ electionTimeout: '200' }).warnings.join()).toContain('needless elections')
  })

  it.each([
    [{ name: 'n 1' }, '--name: expected 1 to 63 letters', 'got "n 1"'],
    [{ electionTimeout: '100' }, '--election-timeout: expected more than the heartbeat', 'got 100'],
    [{ electionTimeout: 'abc' }, '--election-timeout: expected a whole number of ms', '"abc"'],
    [{ heartbeatInterval: '0' }, '--heartbeat-interval: expected a whole number', 'got "0"'],
    [{ listenClientUrls: 'http://0.0.0.0:1' }, '--listen-client-urls: 0.0.0.0', '--insecure'],
    [{ listenPeerUrls: 'http://10.0.0.1:1' }, '--listen-peer-urls: 10.0.0.1', '--insecure'],
    [
      { listenClientUrls: 'http://0.0.0.0:1', insecure: true },
      'nobody can dial 0.0.0.0',
      '--advertise-client-urls http://host:1',
    ],
    [{ listenPeerUrls: 'http://127.0.0.1:2379' }, 'expected a port of its own', '2379'],
    [{ initialCluster: THREE }, "expected this node's name default among n1, n2, n3", '--name'],
    [
      { name: 'n1', initialCluster: THREE, initialAdvertisePeerUrls: 'http://127.0.0.1:9' },
      'expected 127.0.0.1:1 as in --initial-cluster',
      'got 127.0.0.1:9',
    ],
    [{ protocol: 'pbft' }, '--initial-cluster: expected at least 4 nodes', 'got 1'],
    [{ protocol: 'rft' }, 'got "rft"', 'did you mean raft?'],
    [{ initialClusterState: 'existing' }, 'holds no data', 'use new'],
    [{ dataDir: import.meta.filename }, '--data-dir: expected a folder', 'got the file'],
    [{ snapshotCount: '1.5' }, '--snapshot-count: expected a whole number of entries', '"1.5"'],
  ])('refuses %j, saying where, what was expected and what was found', (options, ...words) => {
    for (const word of words) expect(() => fromFlags(options)).toThrow(word)
    expect(() => fromFlags(options)).toThrow(expect.objectContaining({ exitCode: 2 }))
  })

  it.each([
    ['election-timout: 5\n', 'election-timout', 'did you mean election-timeout?'],
    ['name: [1]\n', 'q.yaml: name', 'got [1]'],
    ['enable-fault-injection: 3\n', 'enable-fault-injection: expected true or false', 'got 3'],
    ['- a\n', 'expected lines of "name: value"', 'q.yaml'],
    ['name: "x\n', 'q.yaml cannot be read', '--config-file'],
    ['protocol: rft\n', 'q.yaml: protocol', 'did you mean raft?'],
  ])('refuses the file %j', (yaml, ...words) => {
    for (const word of words) expect(() => fromFile(yaml)).toThrow(word)
  })

  it('refuses a file that is not there', () => {
    expect(() => gather({ configFile: join(dir, 'nope') }, () => 'cli')).toThrow('there is no file')
  })

  it('names the environment variable that is wrong', () => {
    expect(() => toServeConfig(gather({ name: '' }, () => 'env'))).toThrow('QUORATE_NAME')
  })
})
