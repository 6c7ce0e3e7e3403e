/** The commands, as processes, against real servers whose cluster is scripted. */
import { spawn } from 'node:child_process'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { FakeCluster } from '../client/fake-cluster.js'
import { MAIN, type Ran, run } from './run.js'

let cluster: FakeCluster

beforeAll(async () => {
  cluster = await FakeCluster.start(3)
})
afterAll(() => cluster.close())
beforeEach(() => {
  cluster.leader = 'n2'
  for (const node of cluster.nodes) {
    node.blocked = []
    node.targets = []
    node.script.length = 0
  }
})

function quorate(args: readonly string[], input = ''): Promise<Ran> {
  const [command = '', ...rest] = args
  return run([command, '--endpoints', cluster.endpoints.join(','), ...rest], { input })
}

describe('keys and values', () => {
  it('put prints OK; get prints key and value on two lines; del prints how many', async () => {
    expect(await quorate(['put', 'hello', 'world'])).toMatchObject({ code: 0, stdout: 'OK\n' })
    expect(await quorate(['get', 'hello'])).toMatchObject({ code: 0, stdout: 'hello\nworld\n' })
    expect(await quorate(['get', 'hello', '--print-value-only'])).toMatchObject({
      stdout: 'world\n',
    })
    expect(await quorate(['del', 'hello'])).toMatchObject({ code: 0, stdout: '1\n' })
    expect(await quorate(['get', 'hello'])).toMatchObject({ code: 0, stdout: '', stderr: '' })
  })

  it('put reads the value from stdin, and bytes come back as they were', async () => {
    await quorate(['put', 'k'], 'from stdin\n')
    expect((await quorate(['get', 'k', '--print-value-only'])).stdout).toBe('from stdin\n\n')
  })

  it('prints ranges, prefixes and JSON', async () => {
    for (const [key, value] of ['r/1=a', 'r/2=b', 'r/3=c'].map((pair) => pair.split('=')))
      await quorate(['put', key!, value!])
    expect((await quorate(['get', 'r/', '--prefix', '--keys-only'])).stdout).toBe(
      'r/1\n\nr/2\n\nr/3\n\n',
    )
    expect((await quorate(['get', 'r/1', 'r/3'])).stdout).toBe('r/1\na\nr/2\nb\n')
    expect((await quorate(['get', 'r/', '--prefix', '--count-only'])).stdout).toBe('3\n')
    const json = JSON.parse(
      (await quorate(['get', 'r/', '--prefix', '--limit', '1', '--json'])).stdout,
    )
    expect(json).toMatchObject({ count: 3, more: true, kvs: [{ key: 'r/1', value: 'a' }] })
    expect(json.revision).toBeGreaterThan(3)
    const put = JSON.parse((await quorate(['put', 'r/1', 'z', '--prev-kv', '--json'])).stdout)
    expect(put.prevKv).toMatchObject({ key: 'r/1', value: 'a', version: 1 })
    expect((await quorate(['del', 'r/', '--prefix'])).stdout).toBe('3\n')
  })

  it('reads stale without a leader; linearizable ends with 3', async () => {
    await quorate(['put', 's', '1'])
    cluster.leader = null
    expect(await quorate(['get', 's', '--consistency', 'stale'])).toMatchObject({
      code: 0,
      stdout: 's\n1\n',
    })
    const ran = await quorate(['get', 's', '--command-timeout', '300ms'])
    expect(ran.code).toBe(3)
    expect(ran.stderr).toMatch(/^quorate: no node led in time .*\n$/)
  })

  it('ends with 4 when the outcome is unknown, and says so', async () => {
    cluster.node('n2').script.push(...Array(20).fill('ignore'))
    const ran = await quorate(['put', 'u', '1', '--command-timeout', '400ms'])
    expect(ran.code).toBe(4)
    expect(ran.stdout).toBe('')
    expect(ran.stderr).toContain('outcome unknown')
    expect(ran.stderr.trimEnd().split('\n')).toHaveLength(1)
  })

  it("tells a bad request with etcd's text", async () => {
    const ran = await quorate(['put', '', 'v'])
    expect(ran).toMatchObject({ code: 2, stderr: 'quorate: etcdserver: key is not provided\n' })
  })
})

describe('transactions', () => {
  it('prints what was done, as etcdctl does', async () => {
    await quorate(['put', 't', '1'])
    const text = 'value("t") = "1"\n\nput t 2\nget t\n\nget t\n'
    expect(await quorate(['txn'], text)).toMatchObject({
      code: 0,
      stdout: 'SUCCESS\n\nOK\n\nt\n2\n',
    })
    expect(await quorate(['txn'], text)).toMatchObject({ code: 0, stdout: 'FAILURE\n\nt\n2\n' })
    expect(await quorate(['txn', '--strict'], text)).toMatchObject({ code: 5 })
    const json = JSON.parse((await quorate(['txn', '--json'], text)).stdout)
    expect(json).toMatchObject({
      succeeded: false,
      responses: [{ get: { kvs: [{ key: 't', value: '2' }] } }],
    })
  })

  it('names the line that it cannot read', async () => {
    const ran = await quorate(['txn'], 'nonsense\n')
    expect(ran.code).toBe(2)
    expect(ran.stderr).toContain('txn, line 1')
  })
})

describe('Ctrl-C', () => {
  it('ends a command that waits, at once, with 130', async () => {
    const leader = cluster.node('n2')
    leader.script.push('ignore')
    const before = leader.commands.length
    const args = [MAIN, 'put', 'k', 'v', '--endpoints', leader.endpoint]
    const child = spawn(process.execPath, args, { stdio: 'ignore' })
    const ended = new Promise((done) => child.once('exit', done))
    // The opening of its session, then the command.
    while (leader.commands.length < before + 2) await new Promise(setImmediate)
    const began = performance.now()
    child.kill('SIGINT')
    expect(await ended).toBe(130)
    expect(performance.now() - began).toBeLessThan(1_000)
  })
})

describe('raw bytes', () => {
  it('sends them and prints the answer', async () => {
    // A Put of k=v: tag 1, then etcd's message.
    const ran = await quorate(['submit', '--hex', '010a016b120176'])
    expect(ran.code).toBe(0)
    expect(ran.stdout).toMatch(/^00[0-9a-f]+\n$/)
    const asked = await quorate(['submit', '--hex', '--query', '--json', '050a016b'])
    expect(JSON.parse(asked.stdout).answerHex).toMatch(/^00/)
  })
})

describe('status', () => {
  it('is an array with a row for each endpoint', async () => {
    const ran = await run([
      'status',
      '--json',
      '--endpoints',
      `${cluster.endpoints.join(',')},127.0.0.1:1`,
    ])
    expect(ran.code).toBe(0)
    const rows = JSON.parse(ran.stdout)
    expect(rows).toHaveLength(4)
    expect(rows.map((row: { role?: string }) => row.role)).toEqual([
      'follower',
      'leader',
      'follower',
      undefined,
    ])
    expect(Object.keys(rows[0])).toEqual(
      expect.arrayContaining([
        ...['name', 'endpoint', 'pid', 'version', 'protocol', 'role', 'term', 'leader'],
        ...['lastIndex', 'commitIndex', 'appliedIndex', 'stateHash', 'blocked'],
      ]),
    )
    expect(rows[0]).toMatchObject({ name: 'n1', leader: 'n2', term: 3, blocked: [], lag: 0 })
    expect(rows[3].endpoint).toBe('127.0.0.1:1')
    expect(rows[3].error).toContain('connection refused')
  })

  it('has null for a leader that nobody knows', async () => {
    cluster.leader = null
    const rows = JSON.parse((await quorate(['status', '--json'])).stdout)
    expect(rows[0].leader).toBe(null)
    expect(rows[0].lag).toBe(null)
  })

  it('is a table for people, without colour', async () => {
    const ran = await quorate(['status'])
    const [head, ...rows] = ran.stdout.trimEnd().split('\n')
    expect(head).toMatch(/^name +endpoint +role +term +last +commit +applied +trails leader by/)
    expect(rows).toHaveLength(3)
    expect(rows[1]).toMatch(/^n2 .* leader /)
    expect(ran.stdout).not.toContain('\u001b')
  })
})

describe('partitions', () => {
  const blocked = () => cluster.nodes.map((node) => node.blocked)

  it('composes one call to each node, and heals', async () => {
    expect(await quorate(['partition', 'n1', 'n2,n3'])).toMatchObject({
      code: 0,
      stdout: 'n1 | n2,n3\n',
    })
    expect(blocked()).toEqual([['n2', 'n3'], ['n1'], ['n1']])
    expect(await quorate(['partition', 'n1', 'n2', '--one-way', '--ttl', '2s'])).toMatchObject({
      code: 0,
    })
    expect(blocked()).toEqual([['n2'], [], []])
    expect(cluster.node('n1').ttlMs).toBe(2_000)
    expect(await quorate(['heal'])).toMatchObject({ code: 0, stdout: 'healed n1, n2, n3\n' })
    expect(blocked()).toEqual([[], [], []])
  })

  it('refuses names that are no members', async () => {
    const ran = await quorate(['partition', 'n1', 'n9'])
    expect(ran.code).toBe(2)
    expect(ran.stderr).toContain('n9: expected names of this cluster')
    expect(blocked()).toEqual([[], [], []])
  })

  it('heals what it reaches, and ends with 3 naming the rest', async () => {
    cluster.node('n1').blocked = ['n2']
    const two = cluster.endpoints.slice(0, 2).join(',')
    const ran = await run(['heal', '--endpoints', two])
    expect(ran).toMatchObject({ code: 3, stdout: 'healed n1, n2\n' })
    expect(ran.stderr).toContain("not reached: n3 (give every node's address with --endpoints")
    expect(cluster.node('n1').blocked).toEqual([])
  })
})

describe('faults', () => {
  const clean = { loss: 0, duplication: 0, reorder: 0, delayMinMs: 0, delayMaxMs: 0 }
  const fault = (args: readonly string[]) =>
    run(['fault', ...args, '--endpoints', cluster.endpoints.join(',')])
  const targets = () => cluster.nodes.map((node) => node.targets)

  it('are set on the named node towards the named ones, shown by status, left by heal, cleared', async () => {
    const flags = ['--loss', '0.1', '--delay', '50ms', '--jitter', '20ms', '--reorder', '.5']
    const set = await fault(['network', 'n1', '--to', 'n2,n3', ...flags, '--ttl', '30s'])
    expect(set).toMatchObject({ code: 0 })
    const faults = { ...clean, loss: 0.1, reorder: 0.5, delayMinMs: 50, delayMaxMs: 70 }
    const wanted = [
      { nodeId: 'n2', ...faults },
      { nodeId: 'n3', ...faults },
    ]
    expect(targets()).toEqual([wanted, [], []])
    expect(cluster.node('n1').faultsTtlMs).toBe(30_000)
    const status = await quorate(['status', '--json'])
    expect(JSON.parse(status.stdout)[0].faults).toEqual(wanted)
    const shown = await quorate(['status'])
    expect(shown.stdout).toContain('n2: loss 0.1, reorder 0.5, delay 50-70ms; n3: loss')
    const heal = await quorate(['heal'])
    expect(heal).toMatchObject({ code: 0, stdout: 'healed n1, n2, n3\n' })
    expect(heal.stderr).toContain('faults stay on n1')
    expect(targets()).toEqual([wanted, [], []])
    const cleared = await fault(['clear'])
    expect(cleared.code).toBe(0)
    expect(targets()).toEqual([[], [], []])
    expect((await quorate(['heal'])).stderr).toBe('')
  })

  it('hold on every node towards every peer when none is named', async () => {
    expect((await fault(['network', '--duplicate', '1'])).code).toBe(0)
    const all = [{ nodeId: '', ...clean, duplication: 1 }]
    expect(targets()).toEqual([all, all, all])
    expect((await quorate(['status'])).stdout).toContain('all: duplication 1')
  })

  it.each([
    [['network', 'n1'], 'expected some of --loss'],
    [['network', '--loss', '1.5'], '--loss: expected a probability'],
    [['network', '--loss', '-1'], '--loss'],
    [['network', '--delay', '90s'], 'delayMinMs is above 60000'],
    [['network', '--loss', '1', '--to', ','], '--to: expected names'],
    [['network', 'n9', '--loss', '1'], 'n9: expected names of this cluster'],
    [['network', '--to', 'n9', '--loss', '1'], 'no member of this cluster: "n9"'],
    [['clear', 'n9'], 'n9: expected names of this cluster'],
  ])('refuses %j', async (args, text) => {
    const ran = await fault(args)
    expect(ran.code).toBe(2)
    expect(ran.stderr).toContain(text)
    expect(targets()).toEqual([[], [], []])
  })
})

describe('leadership', () => {
  it('is handed over, and waited for', async () => {
    expect(await quorate(['transfer-leader', 'n3'])).toMatchObject({
      code: 0,
      stdout: 'n3 leads\n',
    })
    expect(cluster.leader).toBe('n3')
    expect(await quorate(['transfer-leader', 'n9'])).toMatchObject({ code: 2 })
  })
})
