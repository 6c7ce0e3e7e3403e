/** etcdctl's commands that concern members: what they print is the cluster's own, so its shape and sense are looked at. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { raiseAlarms, sortedLines } from './support/alarms.js'
import { etcdctl, type Ran } from './support/etcdctl.js'
import { OURS, startEtcd, type Target } from './support/targets.js'

interface EndpointStatus {
  readonly Endpoint: string
  readonly Status: {
    readonly header: { readonly member_id: bigint; readonly revision: number }
    readonly leader: bigint
    readonly raftTerm: number
  }
}

describe.each(OURS)('etcdctl on %s', (_, start) => {
  let ours: Target
  let etcd: Target
  beforeAll(async () => {
    ours = await start()
    etcd = await startEtcd(3)
    for (const target of [ours, etcd]) await etcdctl(target, ['put', 'k', 'v'])
  })
  afterAll(async () => {
    await ours.close()
    await etcd.close()
  })

  it('member list tells every member and where it serves', async () => {
    for (const target of [ours, etcd]) {
      const { stdout, code } = await etcdctl(target, ['member', 'list'])
      expect(code).toBe(0)
      const rows = stdout.trim().split('\n')
      expect(rows).toHaveLength(target.endpoints.length)
      for (const row of rows)
        expect(row).toMatch(
          /^[0-9a-f]{1,16}, started, [en]\d, http:\/\/127.0.0.1:\d+, http:\/\/127.0.0.1:\d+, false$/,
        )
      const urls = rows.map((row) => row.split(', ')[4]?.replace('http://', ''))
      expect(urls.sort()).toEqual([...target.endpoints].sort())
    }
    expect(await shape(ours, ['member', 'list', '-w', 'json'])).toEqual(
      await shape(etcd, ['member', 'list', '-w', 'json']),
    )
    expect(await etcdctl(ours, ['member', 'list', '-w', 'table'])).toMatchObject({ code: 0 })
  })

  it('endpoint health finds all of them healthy', async () => {
    for (const target of [ours, etcd]) {
      const { code, stdout } = await etcdctl(target, ['endpoint', 'health', '-w', 'json'])
      expect(code).toBe(0)
      const seen = JSON.parse(stdout) as { endpoint: string; health: boolean }[]
      expect(seen.map(({ health }) => health)).toEqual(target.endpoints.map(() => true))
    }
    expect(await etcdctl(ours, ['endpoint', 'health', '--cluster'])).toMatchObject({ code: 0 })
  })

  it('endpoint status tells one leader, whom all name', async () => {
    for (const target of [ours, etcd]) {
      const seen = await statusOf(target)
      expect(seen.map((one) => one.Endpoint)).toEqual(target.endpoints)
      const leaders = new Set(seen.map((one) => one.Status.leader))
      expect(leaders.size).toBe(1)
      expect(seen.map((one) => one.Status.header.member_id)).toContain([...leaders][0])
      expect(seen.map((one) => one.Status.header.revision)).toEqual(seen.map(() => 2))
    }
    expect(await etcdctl(ours, ['endpoint', 'status', '-w', 'table'])).toMatchObject({ code: 0 })
  })

  it('endpoints may be URLs, those that the members tell among them', async () => {
    const urls = (target: Target): Target => ({
      ...target,
      endpoints: target.endpoints.map((endpoint) => `http://${endpoint}`),
    })
    for (const target of [ours, etcd])
      for (const verb of [['endpoint', 'status'], ['endpoint', 'hashkv'], ['defrag']]) {
        for (const [asked, flags] of [
          [target, ['--cluster']],
          [urls(target), []],
        ] as const) {
          const { code, stdout, stderr } = await etcdctl(asked, [...verb, ...flags])
          expect(code, stderr).toBe(0)
          expect(stdout.trim().split('\n')).toHaveLength(target.endpoints.length)
        }
      }
  })

  it('endpoint hashkv is the same on every member', async () => {
    for (const target of [ours, etcd]) {
      const ran = await etcdctl(target, ['endpoint', 'hashkv'])
      const hashes = ran.stdout
        .trim()
        .split('\n')
        .map((row) => row.split(', ')[1])
      expect(hashes).toHaveLength(target.endpoints.length)
      expect(new Set(hashes).size).toBe(1)
    }
  })

  it('alarms are listed, refuse what they should, and are disarmed', async () => {
    const said = async (target: Target) => {
      await raiseAlarms(target)
      const ran: string[] = []
      for (const args of [
        ['alarm', 'list'],
        ['put', 'k', 'v'],
        ['get', 'k'],
        ['alarm', 'disarm'],
        ['alarm', 'list'],
        ['put', 'k', 'v'],
      ]) {
        const { code, stdout, stderr } = await etcdctl(target, args)
        const error = /Error: .*/.exec(stderr)?.[0] ?? ''
        ran.push(`${args.join(' ')}: ${code} ${sortedLines(stdout)} ${error}`)
      }
      return ran
    }
    expect(await said(ours)).toEqual(await said(etcd))
  })

  it('defrag succeeds on every member', async () => {
    for (const target of [ours, etcd])
      expect(await etcdctl(target, ['defrag'])).toMatchObject({ code: 0 })
  })
})

describe('etcdctl on three nodes on Raft', () => {
  it('move-leader moves leadership, and refuses whom it does not know', async () => {
    const [, start] = OURS[0] ?? []
    const ours = await start?.()
    if (ours === undefined) throw new Error('no Raft cluster')
    try {
      const before = await statusOf(ours)
      const leader = before[0]?.Status.leader
      const other = before.find((one) => one.Status.header.member_id !== leader)
      if (other === undefined) throw new Error('no follower')
      const to = other.Status.header.member_id
      const moved = await etcdctl(ours, ['move-leader', to.toString(16)])
      expect(moved).toMatchObject({
        code: 0,
        stdout: `Leadership transferred from ${leader?.toString(16)} to ${to.toString(16)}\n`,
      })
      expect((await statusOf({ ...ours, endpoints: [other.Endpoint] }))[0]?.Status.leader).toBe(to)
      const unknown = await etcdctl(ours, ['move-leader', 'abc'])
      expect(unknown.code).not.toBe(0)
      expect(unknown.stderr).toContain('etcdserver: bad leader transferee')
    } finally {
      await ours.close()
    }
  })
})

/** The names and types of what a command prints as JSON. */
async function shape(target: Target, args: readonly string[]): Promise<unknown> {
  return shapeOf(parsed(await etcdctl(target, args)))
}

function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf)
  if (typeof value !== 'object' || value === null) return typeof value
  return Object.fromEntries(
    Object.entries(value)
      // PBFT's first view is 0, and what is 0 is left out.
      .filter(([name]) => name !== 'raft_term')
      .map(([name, one]) => [name, shapeOf(one)] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}

async function statusOf(target: Target): Promise<EndpointStatus[]> {
  return parsed(await etcdctl(target, ['endpoint', 'status', '-w', 'json'])) as EndpointStatus[]
}

/** Ids go beyond what a number holds. */
function parsed({ stdout }: Ran): unknown {
  const exact = stdout.replace(/"(leader|member_id|cluster_id|ID)":(\d+)/g, '"$1":"$2"')
  return JSON.parse(exact, (name, value) =>
    ['leader', 'member_id', 'cluster_id', 'ID'].includes(name) ? BigInt(value) : value,
  )
}
