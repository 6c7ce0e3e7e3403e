/** etcdctl's leases, locks and elections. Their ids are random, so that lines are compared without them. */
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { etcdctl, normalised, type Ran, startEtcdctl } from './support/etcdctl.js'
import { OURS_AND_GATEWAY, startEtcd, type Target } from './support/targets.js'

describe.each(OURS_AND_GATEWAY)('etcdctl on %s', (_, start) => {
  let ours: Target
  let etcd: Target
  beforeAll(async () => {
    ours = await start()
    etcd = await startEtcd()
  })
  afterAll(async () => {
    await ours.close()
    await etcd.close()
  })

  /** What a story prints against ours and against etcd. */
  const alike = async (story: (target: Target) => Promise<unknown>) => {
    const [mine, theirs] = await Promise.all([story(ours), story(etcd)])
    expect(mine).toEqual(theirs)
  }

  it('grants, shows, keeps and revokes leases', () =>
    alike(async (target) => {
      const seen: Ran[] = []
      const run = async (...args: string[]) => {
        const ran = await etcdctl(target, args)
        seen.push(normalised(ran))
        return ran.stdout
      }
      const granted = await run('lease', 'grant', '60')
      const id = idIn(granted)
      await run('put', 'l/1', 'v', `--lease=${id}`)
      await run('get', 'l/1', '-w', 'json')
      await run('lease', 'timetolive', id)
      await run('lease', 'timetolive', id, '--keys')
      await run('lease', 'timetolive', id, '--keys', '-w', 'json')
      await run('lease', 'keep-alive', id, '--once')
      await run('lease', 'list')
      // etcd tells the keys of a lease in no order: only from here on there are two.
      await run('put', 'l/2', 'v', `--lease=${id}`)
      await run('put', 'l/2', 'v', '--ignore-lease')
      await run('put', 'l/2', 'v')
      await run('lease', 'revoke', id)
      await run('get', 'l/', '--prefix')
      await run('lease', 'revoke', id)
      await run('lease', 'timetolive', id)
      await run('lease', 'keep-alive', '1234abcd', '--once')
      await run('lease', 'grant', '-5')
      await run('lease', 'grant', '10000000000')
      return seen
    }))

  it('a lease that nobody keeps takes its key along, and a watch is told', () =>
    alike(async (target) => {
      const id = idIn((await etcdctl(target, ['lease', 'grant', '2'])).stdout)
      const watching = startEtcdctl(target, ['watch', 'e/1'])
      await listening(target, watching, 'e/1')
      await etcdctl(target, ['put', 'e/1', 'v', `--lease=${id}`])
      const lines = await watching.lines(8)
      watching.child.kill('SIGKILL')
      await watching.ended
      // The empty line behind them may have come along.
      return lines.slice(3, 8)
    }))

  it('keep-alive keeps it beyond its time', () =>
    alike(async (target) => {
      const id = idIn((await etcdctl(target, ['lease', 'grant', '2'])).stdout)
      const keeping = startEtcdctl(target, ['lease', 'keep-alive', id])
      // Each line is a third of its time later.
      const lines = await keeping.lines(5)
      const alive = await etcdctl(target, ['lease', 'timetolive', id])
      await etcdctl(target, ['lease', 'revoke', id])
      const { code } = await keeping.ended
      return [lines.map((line) => line.replace(id, '#')), alive.stdout.includes('remaining'), code]
    }))

  it('lock runs a command while it holds the lock, and tells it the key', () =>
    alike(async (target) => {
      const command = ['sh', '-c', 'echo "$ETCD_LOCK_KEY $ETCD_LOCK_REV"']
      const ran = await etcdctl(target, ['lock', 'm', ...command])
      const fails = await etcdctl(target, ['lock', 'm', 'sh', '-c', 'exit 3'])
      return [normalised(ran).stdout.replace(/ \d+/, ' REV'), fails.code]
    }))

  it('a second lock waits until the first is given back', () =>
    alike(async (target) => {
      const first = startEtcdctl(target, ['lock', 'two'])
      const [key = ''] = await first.lines(1)
      const second = startEtcdctl(target, ['lock', 'two'])
      for (;;) {
        const { stdout } = await etcdctl(target, ['get', 'two/', '--prefix', '--keys-only'])
        if (stdout.trim().split(/\n+/).length === 2) break
      }
      first.child.kill('SIGINT')
      await first.ended
      const [next = ''] = await second.lines(1)
      const { stdout } = await etcdctl(target, ['get', 'two/', '--prefix', '--keys-only'])
      second.child.kill('SIGINT')
      await second.ended
      return [key === next, stdout.trim() === next]
    }))

  it('elect leads, is observed, and hands on', () =>
    alike(async (target) => {
      const first = startEtcdctl(target, ['elect', 'e', 'one'])
      await first.lines(2)
      const observing = startEtcdctl(target, ['elect', '-l', 'e'])
      await observing.lines(2)
      const second = startEtcdctl(target, ['elect', 'e', 'two'])
      for (;;) {
        const { stdout } = await etcdctl(target, ['get', 'e/', '--prefix', '--keys-only'])
        if (stdout.trim().split(/\n+/).length === 2) break
      }
      first.child.kill('SIGINT')
      await first.ended
      await second.lines(2)
      const seen = await observing.lines(4)
      for (const one of [second, observing]) {
        one.child.kill('SIGINT')
        await one.ended
      }
      return seen.filter((_line, i) => i % 2 === 1)
    }))
})

function idIn(stdout: string): string {
  const id = /lease ([0-9a-f]+) granted/.exec(stdout)?.[1]
  if (id === undefined) throw new Error(`no lease in ${stdout}`)
  return id
}

/** etcdctl says nothing when its watch is made: it is when it tells of a write. */
async function listening(
  target: Target,
  watching: ReturnType<typeof startEtcdctl>,
  key: string,
): Promise<void> {
  let heard = false
  watching.child.once('told', () => {
    heard = true
  })
  while (!heard) {
    await etcdctl(target, ['put', key, 'hello'])
    await Promise.race([once(watching.child, 'told'), new Promise((done) => setTimeout(done, 200))])
  }
}
