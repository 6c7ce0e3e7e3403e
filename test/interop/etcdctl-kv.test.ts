/**
 * etcdctl's key-value commands: what it prints against Quorate is, line by line, what it prints against etcd. Both
 * start empty and are told the same, so that revisions have to agree as well.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { etcdctl, normalised, type Ran, startEtcdctl } from './support/etcdctl.js'
import { STEPS } from './support/steps.js'
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

  it('prints what it prints against etcd', async () => {
    for (const { args, input } of STEPS) {
      const both = await Promise.all(
        [ours, etcd].map(async (target) => normalised(await etcdctl(target, args, input))),
      )
      expect.soft(both[0], `etcdctl ${args.join(' ')}`).toEqual(both[1])
    }
  })

  it('is told of what happened and of what happens', async () => {
    const seen = async (target: Target): Promise<readonly string[]> => {
      await etcdctl(target, ['put', 'w/1', 'old'])
      const from = await revisionOf(target)
      await etcdctl(target, ['put', 'w/1', 'new'])
      const watching = startEtcdctl(target, [
        'watch',
        'w/',
        '--prefix',
        `--rev=${from}`,
        '--prev-kv',
      ])
      await watching.lines(8)
      await etcdctl(target, ['put', 'w/2', 'later'])
      await etcdctl(target, ['del', 'w/1'])
      const lines = await watching.lines(16)
      watching.child.kill('SIGKILL')
      await watching.ended
      return lines
    }
    expect(await seen(ours)).toEqual(await seen(etcd))
  })

  it('runs a command for each event', async () => {
    const seen = async (target: Target): Promise<readonly string[]> => {
      const from = await revisionOf(target)
      await etcdctl(target, ['put', 'x', '1'])
      const command = [
        'sh',
        '-c',
        'echo "$ETCD_WATCH_EVENT_TYPE $ETCD_WATCH_KEY=$ETCD_WATCH_VALUE"',
      ]
      const watching = startEtcdctl(target, ['watch', 'x', `--rev=${from}`, '--', ...command])
      const lines = await watching.lines(4)
      watching.child.kill('SIGKILL')
      await watching.ended
      return lines
    }
    expect(await seen(ours)).toEqual(await seen(etcd))
  })

  it('watches several ranges that it is told on stdin', async () => {
    const seen = async (target: Target): Promise<readonly string[]> => {
      const from = (await revisionOf(target)) + 1
      const watching = startEtcdctl(target, ['watch', '-i'])
      watching.child.stdin?.write(`watch i/ --prefix --rev=${from}\nwatch j --rev=${from}\n`)
      await etcdctl(target, ['put', 'i/1', '1'])
      await watching.lines(3)
      await etcdctl(target, ['put', 'j', '2'])
      const lines = await watching.lines(6)
      watching.child.kill('SIGKILL')
      await watching.ended
      return lines
    }
    expect(await seen(ours)).toEqual(await seen(etcd))
  })

  it('says that what a watch asks for is compacted', async () => {
    const seen = async (target: Target): Promise<Ran> => {
      await etcdctl(target, ['compaction', String(await revisionOf(target))])
      return normalised(await etcdctl(target, ['watch', 'w/1', '--rev=2']))
    }
    expect(await seen(ours)).toEqual(await seen(etcd))
  })
})

async function revisionOf(target: Target): Promise<number> {
  const { stdout } = await etcdctl(target, ['get', 'none', '-w', 'json'])
  const { header } = JSON.parse(stdout) as { header: { revision: number } }
  return header.revision
}
