/** Four real processes over PBFT: what must hold when one of them, or all, are killed or cut off. */
import { expect, it } from 'vitest'
import { utf8Decode } from '../../src/base/utf8.js'
import { type Client, ClientError, Connections } from '../../src/client/index.js'
import { quorate } from './support/cluster.js'
import { sharedCluster } from './support/shared.js'

const shared = sharedCluster({ protocol: 'pbft' })

/** Writes from many callers at once, each key of its own once, until told to stop. */
class Load {
  readonly acknowledged = new Set<number>()
  readonly #client: Client
  readonly #prefix: string
  readonly #writers: Promise<void>[]
  #next = 0
  #stop = false

  constructor(client: Client, prefix: string, writers: number) {
    this.#client = client
    this.#prefix = prefix
    this.#writers = Array.from({ length: writers }, () => this.#write())
  }

  async end(): Promise<void> {
    this.#stop = true
    await Promise.all(this.#writers)
  }

  /** All that was acknowledged is there, and nothing twice. */
  async check(): Promise<void> {
    const prefix = this.#prefix
    const { kvs } = await this.#client.range(prefix, { prefix: true, timeoutMs: 10_000 })
    const found = new Map(kvs.map((kv) => [utf8Decode(kv.key), kv]))
    for (const i of this.acknowledged)
      expect(utf8Decode(found.get(`${prefix}${i}`)!.value)).toBe(String(i))
    // Each key was asked for once: executed twice, it would have a second version.
    expect(kvs.every((kv) => kv.version === 1)).toBe(true)
  }

  async #write(): Promise<void> {
    while (!this.#stop) {
      const i = this.#next++
      try {
        await this.#client.put(`${this.#prefix}${i}`, String(i))
        this.acknowledged.add(i)
      } catch (error) {
        if (!(error instanceof ClientError)) throw error
      }
    }
  }
}

it('the command line asks four, and believes two', async () => {
  // The first of the file: no checkpoint yet.
  const { cluster } = shared
  const file = ['--cluster-file', `${cluster.root}/cluster.json`]
  const all = ['--endpoints', cluster.endpoints.join(',')]
  expect(await quorate(['put', 'hello', 'world', ...file])).toMatchObject({
    code: 0,
    stdout: 'OK\n',
    stderr: '',
  })
  const read = await quorate(['get', 'hello', ...all])
  expect(read).toMatchObject({ code: 0, stdout: 'hello\nworld\n' })
  expect(read.stderr).toMatch(/^trust on first use: .*\n$/)
  const one = await quorate(['get', 'hello', '--endpoints', cluster.endpoint('n4')])
  expect(one).toMatchObject({ code: 3, stdout: '' })
  expect(one.stderr).toContain('not enough of the endpoints agree')
  const status = await quorate(['status', '--json', ...all])
  const rows = JSON.parse(status.stdout) as Record<string, unknown>[]
  // The view may have changed on a slow machine; there is one primary all the same.
  const roles = rows.map((row) => row['role']).sort()
  expect(roles).toEqual(['backup', 'backup', 'backup', 'primary'])
  expect(rows[0]).toMatchObject({ protocol: 'pbft', stableCheckpoint: 0, highWatermark: 256 })
  const backup = rows.find((row) => row['role'] === 'backup')
  const moved = await quorate(['transfer-leader', String(backup?.['name']), ...all])
  expect(moved.code).toBe(2)
  const dump = await quorate(['wal', 'dump', `${cluster.seat('n1').dataDir}`])
  expect(dump.code).toBe(0)
  expect(dump.stdout).toContain('Accepted')
  expect((await quorate(['wal', 'verify', cluster.seat('n1').dataDir])).code).toBe(0)
})

it('keeps what was acknowledged, once, over three kills of the primary under load', async () => {
  const { cluster } = shared
  const connections = new Connections()
  const program = [1, 2].map(() => cluster.newClient({ connections, commandTimeoutMs: 15_000 }))
  try {
    const loads = program.map((client, i) => new Load(client, `kills/${i}/`, 4))
    const acknowledged = () => loads.reduce((sum, load) => sum + load.acknowledged.size, 0)
    const views: number[] = []
    for (let kill = 1; kill <= 3; kill++) {
      const enough = acknowledged() + 150
      await cluster.until(`${enough} acknowledged writes`, async () =>
        acknowledged() >= enough ? true : null,
      )
      const primary = await cluster.primary()
      views.push((await cluster.statusOf(primary))!.term)
      await cluster.stopNode(primary, 'SIGKILL')
      await cluster.until('another view', async () => {
        const seen = (await cluster.status()).filter((one) => one.role === 'primary')
        return seen.some((one) => one.term > views.at(-1)!) ? true : null
      })
      cluster.startNode(primary)
    }
    for (const load of loads) await load.end()
    expect(acknowledged()).toBeGreaterThan(450)
    await cluster.converged()
    for (const load of loads) await load.check()
    expect(views).toEqual([...new Set(views)].sort((a, b) => a - b))
  } finally {
    for (const client of program) client.close()
  }
})

it('goes on when the primary is cut off, and has it back after', async () => {
  const { cluster } = shared
  await cluster.client.put('key-00001', '1')
  const primary = await cluster.primary()
  const others = cluster.seats.map((seat) => seat.name).filter((name) => name !== primary)
  const flags = ['--endpoints', cluster.endpoints.join(',')]
  expect((await quorate(['partition', primary, others.join(','), ...flags])).code).toBe(0)
  await cluster.client.put('key-00002', '2')
  const next = await cluster.leader(others)
  expect(next).not.toBe(primary)
  expect((await quorate(['heal', ...flags])).code).toBe(0)
  await cluster.converged()
  expect(await cluster.client.get('key-00002')).not.toBeNull()
  const status = (await cluster.statusOf(next))?.pbft
  expect(status).toMatchObject({ faultyMax: 1, active: true, mute: false, diverged: false })
})

it('loses nothing acknowledged when all four are killed at once under load', async () => {
  const { cluster } = shared
  const client = cluster.newClient({ commandTimeoutMs: 3_000 })
  try {
    const load = new Load(client, 'death/', 32)
    await cluster.until('500 acknowledged writes', async () =>
      load.acknowledged.size > 500 ? true : null,
    )
    await Promise.all(cluster.seats.map((seat) => cluster.stopNode(seat.name, 'SIGKILL')))
    await load.end()
    for (const seat of cluster.seats) cluster.startNode(seat.name)
    // One that was up long before the others may have left the view alone, and is out of it until the next: Q serve.
    await cluster.client.put('after', 'all four', { timeoutMs: 30_000 })
    await cluster.converged()
    await load.check()
  } finally {
    client.close()
  }
})
