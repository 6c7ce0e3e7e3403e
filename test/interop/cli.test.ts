/**
 * Our own command line beside etcdctl: the same verb prints the same. Put, get, del and txn speak `quorate.v1`, so they go
 * to our cluster; all else speaks etcd's API, and goes to etcd as well.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MAIN, quorate } from '../process/support/cluster.js'
import { raiseAlarms, sortedLines } from './support/alarms.js'
import {
  etcdctl,
  normalised,
  type Ran,
  type Running,
  startEtcdctl,
  startProgram,
} from './support/etcdctl.js'
import { STEPS } from './support/steps.js'
import { startEtcd, startRaft, type Target } from './support/targets.js'

function cli(target: Target, args: readonly string[], input = ''): Promise<Ran> {
  const [verb = '', ...rest] = args
  const nested = NESTED.includes(verb) ? 1 : 0
  const endpoints = ['--endpoints', target.endpoints.join(',')]
  const words = [verb, ...rest.slice(0, nested), ...endpoints, ...rest.slice(nested)]
  return quorate(words, { input })
}

/** Verbs with one below them. */
const NESTED = ['lease', 'endpoint', 'member', 'alarm']

/** Answers over `quorate.v1` tell the revision alone. */
function bare(text: string): string {
  return text
    .replace(/"(cluster_id|member_id)":#,?/g, '')
    .replace(/^"(ClusterID|MemberID|RaftTerm)" : .*\n/gm, '')
}

describe('quorate beside etcdctl', () => {
  let ours: Target
  let etcd: Target
  let fresh: Target
  beforeAll(async () => {
    ours = await startRaft()
    etcd = await startEtcd()
    fresh = await startEtcd()
  })
  afterAll(async () => {
    for (const target of [ours, etcd, fresh]) await target.close()
  })

  it('put, get, del and txn print what etcdctl prints', { timeout: 120_000 }, async () => {
    for (const { args, input } of STEPS) {
      const mine = normalised(await cli(ours, args, input))
      const theirs = normalised(await etcdctl(etcd, args, input))
      const what = args.join(' ')
      expect.soft(mine.code === 0, `${what}: ${mine.stderr}`).toBe(theirs.code === 0)
      if (theirs.code === 0)
        expect.soft(bare(mine.stdout), `quorate ${what}`).toBe(bare(theirs.stdout))
      else {
        const error = /etcdserver: .*/.exec(theirs.stderr)?.[0] ?? ''
        expect.soft(mine.stderr, `quorate ${what}`).toContain(error)
      }
    }
  })

  it('leases, members and endpoints are told as etcdctl tells them, on either', async () => {
    for (const target of [ours, fresh]) {
      const same = (args: readonly string[]) => toldTheSame(target, args)
      const granted = await cli(target, ['lease', 'grant', '600'])
      const id = /lease ([0-9a-f]+) granted/.exec(granted.stdout)?.[1] ?? ''
      await etcdctl(target, ['put', 'held', 'v', `--lease=${id}`])
      for (const format of ['simple', 'json', 'fields'])
        for (const args of [
          ['lease', 'list'],
          ['lease', 'timetolive', id, '--keys'],
          ['lease', 'keep-alive', id, '--once'],
          ['member', 'list'],
          ['endpoint', 'hashkv'],
        ])
          await same([...args, '-w', format])
      await same(['endpoint', 'hashkv', '-w', 'table'])
      await same(['member', 'list', '-w', 'table'])
      await same(['lease', 'timetolive', '4711'])
      await same(['lease', 'keep-alive', '4711'])
      await same(['lease', 'keep-alive', '4711', '--once'])
      await same(['lease', 'timetolive', id, '--keys=false'])
      expect((await cli(target, ['lease', 'revoke', id])).stdout).toBe(`lease ${id} revoked\n`)
    }
  })

  it('alarms, defragmentation and health are told as etcdctl tells them, on either', async () => {
    for (const target of [ours, fresh]) {
      const same = (args: readonly string[]) => toldTheSame(target, args)
      await same(['alarm', 'list'])
      await same(['alarm', 'list', '-w=json'])
      await raiseAlarms(target)
      const alarms = sortedLines((await etcdctl(target, ['alarm', 'list'])).stdout)
      expect(alarms).toHaveLength(4)
      for (const verb of ['list', 'disarm'])
        expect(sortedLines((await cli(target, ['alarm', verb])).stdout)).toEqual(alarms)
      expect((await etcdctl(target, ['alarm', 'list'])).stdout).toBe('')
      await same(['defrag'])
      const defrag = await cli(target, ['defrag', '--cluster=true'])
      const scheme = /(?<=member\[)http:\/\//g
      const theirs = await etcdctl(target, ['defrag', '--cluster'])
      expect(defrag.stdout).toBe(theirs.stdout.replace(scheme, ''))
      for (const format of ['simple', 'json', 'table']) {
        const health = await cli(target, ['endpoint', 'health', '-w', format])
        expect(health).toMatchObject({ code: 0 })
        const status = await cli(target, ['endpoint', 'status', '--cluster', '-w', format])
        expect(status).toMatchObject({ code: 0 })
      }
    }
  })

  it('watch prints what etcdctl prints, of the past and of what comes', async () => {
    for (const target of [ours, fresh])
      for (const format of ['simple', 'fields']) {
        const args = ['watch', 'w/', '--prefix', '--rev=1', '--prev-kv', '-w', format]
        await etcdctl(target, ['put', 'w/1', 'a'])
        await etcdctl(target, ['put', 'w/1', 'b'])
        const theirs = startEtcdctl(target, args.with(3, `--rev=${await lastOf(target)}`))
        const mine = startCli(target, args.with(3, `--rev=${await lastOf(target)}`))
        await etcdctl(target, ['del', 'w/1'])
        const count = format === 'simple' ? 10 : 30
        const bareOf = (lines: readonly string[]) =>
          lines
            .slice(0, count)
            .filter((line) => !/^"(ClusterID|MemberID|RaftTerm|Revision)"/.test(line))
        const [seen, expected] = await Promise.all([mine.lines(count), theirs.lines(count)])
        const least = Math.min(bareOf(seen).length, bareOf(expected).length)
        expect(bareOf(seen).slice(0, least)).toEqual(bareOf(expected).slice(0, least))
        for (const running of [mine, theirs]) {
          running.child.kill('SIGKILL')
          await running.ended
        }
      }
  })

  it('watch runs a command for each change, lock runs one under the lock', async () => {
    for (const target of [ours, fresh]) {
      const echo = ['sh', '-c', 'echo "$ETCD_WATCH_EVENT_TYPE $ETCD_WATCH_KEY=$ETCD_WATCH_VALUE"']
      await etcdctl(target, ['put', 'x', '1'])
      const running = startCli(target, [
        'watch',
        'x',
        `--rev=${await lastOf(target)}`,
        '--',
        ...echo,
      ])
      expect(await running.lines(4)).toEqual(['PUT', 'x', '1', '"PUT" "x"="1"'])
      running.child.kill('SIGKILL')
      await running.ended
      const locked = await cli(target, ['lock', 'm', 'sh', '-c', 'echo "$ETCD_LOCK_KEY"; exit 3'])
      expect(locked.code).toBe(3)
      expect(locked.stdout).toMatch(/^m\/[0-9a-f]+\n$/)
    }
  })

  it('lock and elect print the key in each format', async () => {
    for (const target of [ours, fresh])
      for (const args of [
        ['lock', 'l', '--ttl=5'],
        ['lock', 'l', '--ttl=0'],
        ['elect', 'e', 'me'],
      ])
        for (const format of ['simple', 'json', 'fields', 'simple --hex']) {
          const words = [...args, ...`-w ${format}`.split(' ')]
          const lines = { json: 1, fields: 12 }[format] ?? 2
          const printed: string[] = []
          for (const start of [startCli, startEtcdctl]) {
            const running = start(target, words)
            printed.push((await running.lines(lines)).join('\n'))
            running.child.kill('SIGINT')
            await running.ended
          }
          expect.soft(shape(printed[0]), words.join(' ')).toBe(shape(printed[1]))
        }
  })

  it('a lock of no time to live has that of a session', async () => {
    for (const start of [startCli, startEtcdctl]) {
      const running = start(ours, ['lock', 'm', '--ttl=0'])
      const [key = ''] = await running.lines(1)
      const lease = key.slice('m/'.length)
      const { stdout } = await etcdctl(ours, ['lease', 'timetolive', lease])
      expect(stdout).toContain('granted with TTL(60s)')
      running.child.kill('SIGINT')
      await running.ended
    }
  })

  it('its locks and elections and those of etcdctl exclude each other', async () => {
    for (const target of [ours, fresh]) {
      for (const args of [
        ['lock', 'shared'],
        ['elect', 'chair', 'one'],
      ]) {
        const first = startEtcdctl(target, args)
        const [key = ''] = await first.lines(1)
        const second = startCli(target, args)
        for (;;) {
          const queue = await etcdctl(target, ['get', `${args[1]}/`, '--prefix', '--keys-only'])
          if (queue.stdout.trim().split(/\n+/).length === 2) break
        }
        first.child.kill('SIGINT')
        await first.ended
        const [next = ''] = await second.lines(1)
        expect(next).not.toBe(key)
        second.child.kill('SIGINT')
        expect((await second.ended).code).toBe(0)
        const left = await etcdctl(target, ['get', `${args[1]}/`, '--prefix', '--keys-only'])
        expect(left.stdout).toBe('')
      }
    }
  })

  it('move-leader, compaction and watch of compacted history', async () => {
    const { stdout } = await cli(ours, ['endpoint', 'status', '-w', 'simple'])
    const rows = stdout
      .trim()
      .split('\n')
      .map((row) => row.split(', '))
    const to = rows.find((row) => row[4] === 'false')?.[1] ?? ''
    const from = rows.find((row) => row[4] === 'true')?.[1] ?? ''
    expect(await cli(ours, ['move-leader', to])).toMatchObject({
      code: 0,
      stdout: `Leadership transferred from ${from} to ${to}\n`,
    })
    for (const target of [ours, fresh]) {
      const last = await lastOf(target)
      const compacted = await cli(target, ['compaction', String(last)])
      expect(compacted).toMatchObject({ code: 0, stdout: `compacted revision ${last}\n` })
      const watched = await cli(target, ['watch', 'x', '--rev=1'])
      expect(watched.code).toBe(2)
      expect(watched.stderr).toContain(`below revision ${last} is compacted`)
    }
  })
})

/** Without what differs from one holder to the next. */
function shape(text = ''): string {
  return text
    .replace(/\/[0-9a-f]+/g, '/#')
    .replace(/(\\x2f)(\\x[0-9a-f]{2})+/, '$1#')
    .replace(/"key":"[^"]*"/, '"key":#')
    .replace(/\d+/g, '#')
}

async function toldTheSame(target: Target, args: readonly string[]): Promise<void> {
  const mine = normalised(await cli(target, args))
  const theirs = normalised(await etcdctl(target, args))
  expect.soft(mine.stdout, `quorate ${args.join(' ')}`).toBe(theirs.stdout)
  expect.soft(mine.code === 0, mine.stderr).toBe(theirs.code === 0)
}

function startCli(target: Target, args: readonly string[]): Running {
  const [verb = '', ...rest] = args
  const words = [MAIN, verb, '--endpoints', target.endpoints.join(','), ...rest]
  return startProgram(process.execPath, words)
}

async function lastOf(target: Target): Promise<number> {
  const { stdout } = await etcdctl(target, ['get', 'none', '-w', 'json'])
  const { header } = JSON.parse(stdout) as { header: { revision: number } }
  return header.revision
}
