import { afterEach, beforeEach, expect, it } from 'vitest'
import { etcdKv, etcdMaintenance } from '../../../../src/rpc/etcd-services.js'
import type { Channel } from '../../../../src/rpc/types.js'
import { command, del, put } from '../../machine/helpers.js'
import { Member, refusal } from './member.js'

const NO_SPACE = '8 etcdserver: mvcc: database space exceeded'
const QUOTA = 10_000

let member: Member
let channel: Channel
let close: () => Promise<void>

beforeEach(async () => {
  member = new Member(QUOTA)
  ;({ channel, close } = await member.serve())
})
afterEach(() => close())

const write = (key: string, value = 'v') =>
  channel.unary(etcdKv.put, command.put(put({ key, value })).subarray(1))
const errors = async () => (await channel.unary(etcdMaintenance.status, {})).errors

it('above its quota a member refuses, tells all, and takes it back once there is room', async () => {
  await write('a', 'x'.repeat(9_000))
  expect(await refusal(write('b', 'x'.repeat(1_100)))).toBe(NO_SPACE)
  // The alarm went through the log: what another node would hand on is refused too.
  await expect.poll(() => member.kv.alarms).toHaveLength(1)
  expect(await refusal(write('b'))).toBe(NO_SPACE)
  expect(member.apply(command.put(put({ key: 'b' })))[0]).toBe(8)
  const id = member.ids.memberOf('n1')
  expect(await errors()).toEqual([`memberID:${id} alarm:NOSPACE `])
  await channel.unary(etcdKv.deleteRange, command.del(del({ key: 'a' })).subarray(1))
  member.space.look()
  await expect.poll(() => member.kv.alarms).toEqual([])
  // A deletion frees nothing by itself: compaction does.
  await write('b')
  member.apply(command.compact(member.kv.revision))
  while (member.kv.collect(1_000));
  await write('c', 'x'.repeat(9_000))
  expect(await errors()).toEqual([])
})

it('what an operator raises is his to clear', async () => {
  member.space.look()
  const id = member.ids.memberOf('n1')
  member.apply(command.alarm(1, 1, id))
  member.space.look()
  member.space.look()
  expect(await refusal(write('a'))).toBe(NO_SPACE)
  member.apply(command.alarm(2, 1, id))
  await write('a')
})

it('an alarm from before a restart is over when there is room', async () => {
  member.apply(command.alarm(1, 1, member.ids.memberOf('n1')))
  member.apply(command.alarm(1, 1, '5'))
  member.space.look()
  await expect.poll(() => member.kv.alarms).toEqual([{ memberID: '5', alarm: 1 }])
})

it('without a quota nothing is refused', async () => {
  await close()
  member = new Member(null)
  ;({ channel, close } = await member.serve())
  for (let i = 0; i < 30; i++) await write('a', 'x'.repeat(1_000))
  member.space.look()
  expect(member.kv.alarms).toEqual([])
})
