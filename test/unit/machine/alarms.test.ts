import { describe, expect, test } from 'vitest'
import { KvMachine } from '../../../src/machine/kv/kv-machine.js'
import { command, compare, del, op, outcome, put, range, speak, txn } from './helpers.js'

const GET = 0
const ACTIVATE = 1
const DEACTIVATE = 2
const NONE = 0
const NOSPACE = 1
const CORRUPT = 2
const NO_SPACE = '8 etcdserver: mvcc: database space exceeded'

test('what is raised is listed, once, until it is cleared', () => {
  const { apply } = speak(new KvMachine())
  const alarms = (...list: [string, number][]) => ({
    alarms: list.map(([memberID, alarm]) => ({ memberID, alarm })),
  })
  expect(apply(command.alarm(ACTIVATE, NOSPACE, '5'))).toMatchObject(alarms(['5', NOSPACE]))
  expect(apply(command.alarm(ACTIVATE, NOSPACE, '5'))).toMatchObject(alarms(['5', NOSPACE]))
  apply(command.alarm(ACTIVATE, CORRUPT, '18446744073709551615'))
  apply(command.alarm(ACTIVATE, NOSPACE, '4'))
  expect(apply(command.alarm(GET, NONE))).toMatchObject(
    alarms(['4', NOSPACE], ['5', NOSPACE], ['18446744073709551615', CORRUPT]),
  )
  expect(apply(command.alarm(GET, CORRUPT))).toMatchObject(
    alarms(['18446744073709551615', CORRUPT]),
  )
  expect(apply(command.alarm(DEACTIVATE, NOSPACE, '5'))).toMatchObject(alarms(['5', NOSPACE]))
  expect(apply(command.alarm(DEACTIVATE, NOSPACE, '5'))).toMatchObject(alarms())
  expect(apply(command.alarm(ACTIVATE, 7 as 0))).toBe('3 quorate: malformed command')
})

test('to raise none raises nothing', () => {
  const { apply, machine } = speak(new KvMachine())
  expect(apply(command.alarm(ACTIVATE, NONE))).toMatchObject({ alarms: [] })
  expect(machine.alarms).toEqual([])
  expect(apply(command.alarm(DEACTIVATE, NONE))).toMatchObject({ alarms: [] })
})

test('the number of alarms is bounded', () => {
  const { apply } = speak(new KvMachine())
  for (let i = 0; i < 1_024; i++) apply(command.alarm(ACTIVATE, NOSPACE, String(i)))
  expect(apply(command.alarm(ACTIVATE, NOSPACE, '9999'))).toBe('8 etcdserver: too many requests')
  expect(apply(command.alarm(ACTIVATE, NOSPACE, '7'))).toMatchObject({ alarms: [{}] })
})

describe('NOSPACE', () => {
  test('what makes the store larger is refused, all else is done, and the revision stays', () => {
    const { apply, machine } = speak(new KvMachine())
    apply(command.put(put({ key: 'a', value: '1' })))
    apply(command.put(put({ key: 'b', value: '1' })))
    apply(command.grant('7', 9))
    apply(command.alarm(ACTIVATE, NOSPACE))
    const nested = [op.txn({ success: [op.put({ key: 'c' })] })]
    for (const bytes of [
      command.put(put({ key: 'c', value: '1' })),
      command.txn(txn({ success: [op.put({ key: 'c' })] })),
      // Not of the branch that runs, and it is refused all the same: so it is in etcd.
      command.txn(txn({ compare: [compare({ key: 'a' })], failure: [op.put({ key: 'c' })] })),
      command.txn(txn({ success: nested })),
      command.grant('8', 9),
    ])
      expect(apply(bytes)).toBe(NO_SPACE)
    expect(machine.revision).toBe(3)
    expect(apply(command.range(range({ key: 'a' })))).toMatchObject({ count: 1 })
    expect(apply(command.del(del({ key: 'a' })))).toMatchObject({ deleted: 1 })
    expect(apply(command.txn(txn({ success: [op.del({ key: 'b' })] })))).toMatchObject({
      succeeded: true,
    })
    expect(apply(command.compact(4))).toMatchObject({ header: { revision: 5 } })
    expect(apply(command.keepAlive('7'))).toMatchObject({ ttls: [9] })
    expect(apply(command.revoke('7'))).toMatchObject({})
    apply(command.alarm(DEACTIVATE, NOSPACE))
    expect(apply(command.put(put({ key: 'c' })))).toMatchObject({ header: { revision: 6 } })
  })
})

test('CORRUPT: nothing is changed any more, and leases still end by their time', () => {
  const { apply, machine } = speak(new KvMachine())
  apply(command.grant('7', 2))
  apply(command.put(put({ key: 'a', lease: '7' })))
  apply(command.alarm(ACTIVATE, CORRUPT))
  for (const bytes of [
    command.put(put({ key: 'c' })),
    command.del(del({ key: 'a' })),
    command.txn(txn({ success: [op.del({ key: 'a' })] })),
    command.compact(2),
    command.grant('8', 9),
    command.revoke('7'),
  ])
    expect(apply(bytes)).toBe('15 etcdserver: corrupt cluster')
  expect(apply(command.range(range({ key: 'a' })))).toMatchObject({ count: 1 })
  machine.advance({ index: 99, time: 5_000 })
  expect(apply(command.range(range({ key: 'a' })))).toMatchObject({ count: 0 })
})

test('alarms are in the hash and in snapshots', () => {
  const machine = new KvMachine()
  const { apply } = speak(machine)
  const without = machine.hash()
  apply(command.alarm(ACTIVATE, NOSPACE, '5'))
  const one = machine.hash()
  apply(command.alarm(ACTIVATE, CORRUPT, '5'))
  expect(new Set([without, one, machine.hash()]).size).toBe(3)
  const fresh = new KvMachine()
  fresh.restore([...machine.snapshot()].map((chunk) => chunk.slice()))
  expect(fresh.hash()).toBe(machine.hash())
  expect(fresh.alarms).toEqual(machine.alarms)
  const list = command.alarm(GET, NONE)
  expect(outcome(11, fresh.query(list))).toEqual(outcome(11, machine.query(list)))
  apply(command.alarm(DEACTIVATE, CORRUPT, '5'))
  expect(machine.hash()).toBe(one)
  apply(command.alarm(DEACTIVATE, NOSPACE, '5'))
  expect(machine.hash()).toBe(without)
  expect(outcome(11, machine.query(command.alarm(ACTIVATE, NOSPACE)))).toBe(
    '3 quorate: not a query',
  )
})
