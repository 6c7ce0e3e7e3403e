import { expect, it } from 'vitest'
import { etcdKv, etcdWatch } from '../../../../src/rpc/etcd-services.js'
import type { RpcError } from '../../../../src/rpc/status.js'
import { command, put } from '../../machine/helpers.js'
import { refusal } from './member.js'
import { servedMember } from './served.js'

const at = servedMember()

const metadata = { hasleader: 'true' }

it('who asks for a leader is refused where none is known', async () => {
  const request = command.put(put({ key: 'k' })).subarray(1)
  at.member.leader = false
  expect(await refusal(at.channel.unary(etcdKv.put, request, { metadata }))).toBe(
    '14 etcdserver: no leader',
  )
  await at.channel.unary(etcdKv.put, request)
  at.member.leader = true
  await at.channel.unary(etcdKv.put, request, { metadata })
  expect(at.member.kv.revision).toBe(3)
})

it('a stream that asks for a leader ends when none is known for long, and no other does', async () => {
  const open = (options: object) => {
    const stream = at.channel.stream(etcdWatch.watch, options)
    const ends: (RpcError | null)[] = []
    stream.onClose((error) => ends.push(error))
    stream.onMessage(() => {})
    stream.write({ requestUnion: { $case: 'progressRequest', value: {} } })
    return { stream, ends }
  }
  const asking = open({ metadata })
  const other = open({})
  await expect.poll(() => asking.ends).toEqual([])
  at.member.leader = false
  await expect
    .poll(() => asking.ends.map((error) => error?.message))
    .toEqual(['etcdserver: no leader'])
  const late = open({ metadata })
  await expect
    .poll(() => late.ends.map((error) => error?.message))
    .toEqual(['etcdserver: no leader'])
  expect(other.ends).toEqual([])
  other.stream.cancel()
})
