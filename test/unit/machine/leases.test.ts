import { describe, expect, test } from 'vitest'
import { KvMachine } from '../../../src/machine/kv/kv-machine.js'
import { SessionMachine } from '../../../src/machine/machine.js'
import { SnapshotError } from '../../../src/machine/state-machine.js'
import { b, command, op, outcome, put, range, t, txn } from './helpers.js'

/** A store that is told the time. */
function timed(machine = new KvMachine()) {
  let index = 0
  let time = 0
  const ask = (bytes: Uint8Array): unknown =>
    outcome(bytes[0] ?? 0, machine.apply(bytes, { index, time }))
  return {
    machine,
    ask,
    at: (ms: number) => {
      time = ms
      machine.advance({ index: ++index, time })
    },
    keys: (): string[] => {
      const reply = ask(command.range(range({ key: '\0', rangeEnd: '\0' })))
      return (reply as { kvs: { key: Uint8Array }[] }).kvs.map((kv) => t(kv.key))
    },
  }
}

const owned = (key: string, lease: string) => command.put(put({ key, value: 'v', lease }))

describe('granting', () => {
  test('what is granted: a TTL below the minimum is raised, one above the bound is refused', () => {
    const { ask, machine } = timed()
    for (const [id, asked, granted] of [
      ['1', '60', 60],
      ['2', '1', 2],
      ['3', '0', 2],
      ['4', '-9', 2],
      ['5', '9000000000', 9_000_000_000],
      ['-9223372036854775808', '3', 3],
      ['9223372036854775807', '3', 3],
    ] as const)
      expect(ask(command.grant(id, asked))).toMatchObject({ ID: id, TTL: granted })
    for (const asked of ['9000000001', '9007199254740993', '9223372036854775807'])
      expect(ask(command.grant('6', asked))).toBe('11 etcdserver: too large lease TTL')
    expect(ask(command.grant('1', '5'))).toBe('9 etcdserver: lease already exists')
    expect(ask(command.grant('0', '5'))).toBe('3 quorate: a lease needs an id')
    expect(machine.revision).toBe(1)
  })

  test('64-bit ids are told as they were given', () => {
    const { ask } = timed()
    ask(command.grant('9007199254740993', 9))
    ask(command.grant('9007199254740992', 9))
    ask(owned('k', '9007199254740993'))
    expect(ask(command.range(range({ key: 'k' })))).toMatchObject({
      kvs: [{ lease: '9007199254740993' }],
    })
    const keys = [b('k')]
    expect(ask(command.timeToLive('9007199254740992', true))).toMatchObject({ keys: [] })
    expect(ask(command.timeToLive('9007199254740993', true))).toMatchObject({ keys })
  })
})

describe('keys of a lease', () => {
  test('a put names a lease that exists, by itself and in a transaction', () => {
    const { ask, machine } = timed()
    expect(ask(owned('k', '7'))).toBe('5 etcdserver: requested lease not found')
    const success = [op.put({ key: 'j' }), op.put({ key: 'k', lease: '7' })]
    expect(ask(command.txn(txn({ success })))).toBe('5 etcdserver: requested lease not found')
    expect(machine.revision).toBe(1)
    ask(command.grant('7', 9))
    expect(ask(command.txn(txn({ success })))).toMatchObject({ succeeded: true })
    expect(ask(command.timeToLive('7', true))).toMatchObject({ keys: [b('k')] })
  })

  test('a put without lease detaches, one with ignore_lease does not, another lease takes over', () => {
    const { ask, keys, at } = timed()
    ask(command.grant('7', 9))
    ask(command.grant('8', 99))
    for (const key of ['a', 'b', 'c', 'd']) ask(owned(key, '7'))
    ask(command.put(put({ key: 'a', value: 'w' })))
    ask(command.put(put({ key: 'b', value: 'w', ignoreLease: true })))
    ask(owned('c', '8'))
    at(9_000)
    expect(keys()).toEqual(['a', 'c'])
    ask(command.revoke('8'))
    expect(keys()).toEqual(['a'])
  })

  test('revoking deletes the keys in one revision, sorted; without keys there is none', () => {
    const { ask, machine } = timed()
    ask(command.grant('7', 9))
    for (const key of ['c', 'a', 'b']) ask(owned(key, '7'))
    expect(ask(command.revoke('7'))).toMatchObject({ header: { revision: 5 } })
    const events = machine.eventsSince(5, 9)?.map((e) => [e.history.key, e.sub, e.deleted])
    expect(events).toEqual([
      ['a', 0, true],
      ['b', 1, true],
      ['c', 2, true],
    ])
    expect(ask(command.revoke('7'))).toBe('5 etcdserver: requested lease not found')
    ask(command.grant('7', 9))
    expect(ask(command.revoke('7'))).toMatchObject({ header: { revision: 5 } })
  })
})

describe('time', () => {
  test('a lease expires at its deadline and not a millisecond before; each is a revision', () => {
    const { ask, at, keys, machine } = timed()
    at(1_000)
    ask(command.grant('8', 2))
    ask(command.grant('7', 2))
    ask(command.grant('9', 3))
    for (const [key, lease] of [
      ['y', '8'],
      ['x', '8'],
      ['z', '7'],
      ['w', '9'],
    ] as const)
      ask(owned(key, lease))
    expect(machine.nextDeadline()).toBe(3_000)
    at(2_999)
    expect(machine.revision).toBe(5)
    at(3_000)
    // By id where the deadline is the same.
    expect(machine.eventsSince(6, 9)?.map((e) => [e.mod, e.history.key])).toEqual([
      [6, 'z'],
      [7, 'x'],
      [7, 'y'],
    ])
    expect(keys()).toEqual(['w'])
    expect(machine.nextDeadline()).toBe(4_000)
    at(4_000)
    expect(machine.nextDeadline()).toBeNull()
  })

  test('what is kept alive has its whole time again; what is unknown is told so, and no error', () => {
    const { ask, at } = timed()
    ask(command.grant('7', 5))
    at(4_000)
    expect(ask(command.timeToLive('7'))).toMatchObject({ TTL: 1, grantedTTL: 5 })
    expect(ask(command.keepAlive('7', '1', '7'))).toMatchObject({ ttls: [5, 0, 5] })
    at(8_999)
    expect(ask(command.timeToLive('7'))).toMatchObject({ TTL: 0, grantedTTL: 5 })
    at(9_000)
    expect(ask(command.timeToLive('7'))).toMatchObject({
      ID: '7',
      TTL: -1,
      grantedTTL: 0,
      keys: [],
    })
    expect(ask(command.keepAlive('7'))).toMatchObject({ ttls: [0] })
    expect(ask(command.keepAlive(...Array(4_097).fill('7')))).toBe(
      '3 etcdserver: request is too large',
    )
  })

  test('an entry expires a thousand at most, and who waits for its turn is not kept alive', () => {
    const { ask, at, machine } = timed()
    for (let id = 1; id <= 2_500; id++) {
      ask(command.grant(String(id), 2))
      ask(owned(`k${id}`, String(id)))
    }
    at(2_000)
    expect(machine.revision).toBe(2_501 + 1_000)
    // Time stands still, and there is more to do: not long ago, now.
    expect(machine.nextDeadline()).toBe(2_000)
    at(2_100)
    expect(machine.nextDeadline()).toBe(2_100)
    expect(ask(command.keepAlive('2500'))).toMatchObject({ ttls: [0] })
    expect(ask(command.timeToLive('2500'))).toMatchObject({ TTL: -1 })
    at(2_200)
    expect(machine.nextDeadline()).toBeNull()
    expect(machine.revision).toBe(2_501 + 2_500)
  })

  test('an entry without requests lets leases expire, and those who listen hear of it', () => {
    const inner = new KvMachine()
    let heard = 0
    inner.listen({ changed: () => heard++, restored: () => {} })
    const machine = new SessionMachine(inner)
    const requests = [new Uint8Array(0), command.grant('7', 2), owned('k', '7')].map(
      (bytes, i) => ({ session: i === 0 ? 0 : 1, seq: i + 1, ackedThrough: 0, command: bytes }),
    )
    machine.applyEntry({ index: 1, time: 500, requests })
    expect(machine.nextDeadline()).toBe(2_500)
    machine.applyEntry({ index: 2, time: 2_499, requests: [] })
    expect([inner.revision, heard]).toEqual([2, 1])
    machine.applyEntry({ index: 3, time: 2_500, requests: [] })
    expect([inner.revision, heard]).toEqual([3, 2])
  })
})

describe('snapshots', () => {
  const pieces = (machine: KvMachine) => [...machine.snapshot()].map((chunk) => chunk.slice())

  test('leases go through a snapshot as they were when it was taken', () => {
    const { ask, at, machine } = timed()
    for (let id = 1; id <= 5_000; id++) ask(command.grant(String(id * 7), 10 + (id % 5)))
    ask(owned('a', '7'))
    const before = machine.hash()
    const view = machine.snapshot()[Symbol.iterator]()
    const chunks = [(view.next().value as Uint8Array).slice()]
    at(3_000)
    ask(command.keepAlive('7'))
    ask(command.revoke('14'))
    expect(machine.hash()).not.toBe(before)
    for (let next = view.next(); next.done !== true; next = view.next())
      chunks.push(next.value.slice())
    const fresh = new KvMachine()
    fresh.restore(chunks)
    expect(fresh.hash()).toBe(before)
    expect(pieces(fresh)).toEqual(chunks)
    const other = timed(fresh)
    other.at(3_000)
    other.ask(command.keepAlive('7'))
    other.ask(command.revoke('14'))
    expect(fresh.hash()).toBe(machine.hash())
    at(12_999)
    other.at(12_999)
    expect(fresh.hash()).toBe(machine.hash())
    expect(other.keys()).toEqual(['a'])
  })

  test('leases that cannot be are refused', () => {
    const { ask, machine } = timed()
    ask(command.grant('7', 10))
    ask(owned('a', '7'))
    const whole = pieces(machine)
    const leases = whole.findIndex((chunk) => chunk[0] === 4)
    const without = whole.with(leases, Uint8Array.of(4))
    const twice = whole.toSpliced(leases, 0, whole[leases]!)
    const short = whole.with(leases, whole[leases]!.subarray(0, -1))
    for (const chunks of [without, twice, short])
      expect(() => new KvMachine().restore(chunks)).toThrow(SnapshotError)
  })

  test('a deadline, a TTL and an id each show in the hash', () => {
    const hashes = [
      [command.grant('7', 5)],
      [command.grant('8', 5)],
      [command.grant('7', 6)],
      [command.grant('7', 5), command.grant('8', 5)],
      [],
    ].map((commands) => {
      const { ask, machine } = timed()
      for (const one of commands) ask(one)
      return machine.hash()
    })
    const later = timed()
    later.at(1)
    later.ask(command.grant('7', 5))
    expect(new Set([...hashes, later.machine.hash()]).size).toBe(6)
  })
})

test('all leases, the one that expires first in front, also as a query', () => {
  const { ask, machine } = timed()
  for (const [id, ttl] of [
    ['3', 30],
    ['1', 10],
    ['2', 20],
    ['-1', 10],
  ] as const)
    ask(command.grant(id, ttl))
  const listed = { leases: ['-1', '1', '2', '3'].map((ID) => ({ ID })) }
  expect(ask(command.leases())).toMatchObject(listed)
  expect(outcome(10, machine.query(command.leases()))).toMatchObject(listed)
  // What depends on time is ordered.
  expect(outcome(9, machine.query(command.timeToLive('1')))).toBe('3 quorate: not a query')
})
