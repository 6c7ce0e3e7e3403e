/** What may arrive at etcd's services, and what whoever sent it is told. Nothing here may hurt the node. */
import { describe, expect, it } from 'vitest'
import {
  LeaseTimeToLiveResponse,
  RangeResponse,
  type TxnRequest,
  TxnResponse,
  type WatchCreateRequest,
  type WatchRequest,
  type WatchResponse,
} from '../../../../src/gen/etcd/api/etcdserverpb/rpc.js'
import {
  etcdAuth,
  etcdElection,
  etcdKv,
  etcdLease,
  etcdLock,
  etcdWatch,
} from '../../../../src/rpc/etcd-services.js'
import type { UnaryMethod } from '../../../../src/rpc/types.js'
import { b, command, compare, del, op, put, range, t, txn } from '../../machine/helpers.js'
import { Member, refusal } from './member.js'
import { servedMember } from './served.js'

const at = servedMember()

type Encoded = UnaryMethod<Uint8Array, Uint8Array>
const ask = (method: Encoded, bytes: Uint8Array) => at.channel.unary(method, bytes.subarray(1))
const refused = (method: Encoded, bytes: Uint8Array) => refusal(ask(method, bytes))
const read = async (init: Parameters<typeof range>[0]) =>
  RangeResponse.decode(await ask(etcdKv.range, command.range(range(init))))

const MALFORMED = '3 quorate: malformed command'
const COMPACTED = '11 etcdserver: mvcc: required revision has been compacted'
const FUTURE = '11 etcdserver: mvcc: required revision is a future revision'

describe('Put, Range and DeleteRange', () => {
  it('what cannot be put is refused by its own name', async () => {
    for (const [init, text] of [
      [{ key: '' }, '3 etcdserver: key is not provided'],
      [{ key: 'a', value: 'x'.repeat(1.5 * 1024 * 1024) }, '3 etcdserver: request is too large'],
      [{ key: 'k'.repeat(1.5 * 1024 * 1024) }, '3 etcdserver: request is too large'],
      [{ key: 'a', lease: '77' }, '5 etcdserver: requested lease not found'],
      [{ key: 'a', lease: '-9223372036854775808' }, '5 etcdserver: requested lease not found'],
      [{ key: 'a', ignoreValue: true }, '3 etcdserver: key not found'],
      [{ key: 'a', ignoreLease: true }, '3 etcdserver: key not found'],
      [{ key: 'a', value: 'x', ignoreValue: true }, '3 etcdserver: value is provided'],
      [{ key: 'a', lease: '7', ignoreLease: true }, '3 etcdserver: lease is provided'],
    ] as const)
      expect(await refused(etcdKv.put, command.put(put(init)))).toBe(text)
    // Ten times the bound does not get that far.
    const huge = command.put(put({ key: 'a', value: 'x'.repeat(15 * 1024 * 1024) }))
    expect(await refused(etcdKv.put, huge)).toMatch(/^8 /)
    expect(at.member.kv.revision).toBe(1)
  })

  it('bytes are kept as they are, whatever they say', async () => {
    for (const key of ['\xff\xfe', '\0', '__proto__', 'constructor', '\xed\xa0\x80', 'a\0b']) {
      await ask(etcdKv.put, command.put(put({ key, value: `${key}!` })))
      const { kvs } = await read({ key })
      expect(kvs.map((kv) => [t(kv.key), t(kv.value)])).toEqual([[key, `${key}!`]])
    }
    expect({}).not.toHaveProperty('a\0b')
  })

  it('a range upside down is empty, a negative limit is none, a negative revision is now', async () => {
    for (const key of ['a', 'b', 'c']) await ask(etcdKv.put, command.put(put({ key })))
    expect((await read({ key: 'c', rangeEnd: 'a' })).count).toBe(0)
    expect((await read({ key: 'a', rangeEnd: 'd', limit: -1 })).kvs).toHaveLength(3)
    expect((await read({ key: 'a', revision: -5 })).count).toBe(1)
    const upsideDown = command.del(del({ key: 'c', rangeEnd: 'a' }))
    await ask(etcdKv.deleteRange, upsideDown)
    expect(at.member.kv.revision).toBe(4)
  })

  it('revisions that are not there, and numbers that are none', async () => {
    for (let i = 0; i < 3; i++) await ask(etcdKv.put, command.put(put({ key: 'a' })))
    await ask(etcdKv.compact, command.compact(3))
    const at = (revision: number) =>
      refused(etcdKv.range, command.range(range({ key: 'a', revision })))
    expect(await at(9)).toBe(FUTURE)
    expect(await at(2)).toBe(COMPACTED)
    expect(await refused(etcdKv.compact, command.compact(3))).toBe(COMPACTED)
    expect(await refused(etcdKv.compact, command.compact(99))).toBe(FUTURE)
    const sorted = range({ key: 'a', sortOrder: 9 as 0 })
    expect(await refused(etcdKv.range, command.range(sorted))).toBe(
      '3 etcdserver: invalid sort option',
    )
    expect(await refused(etcdKv.range, b('\x05\x0a\x05a'))).toBe(MALFORMED)
  })
})

/** 2^63-1 and -2^63 as varints: more than a number holds exactly. */
const MOST = b('\xff\xff\xff\xff\xff\xff\xff\xff\x7f')
const LEAST = b('\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01')

describe('Numbers of 64 bits', () => {
  /** A message, and behind it this varint as a field of the number. */
  const withField = (bytes: Uint8Array, field: number, value: Uint8Array) =>
    Uint8Array.from([...bytes, field << 3, ...value])

  it('of a range: no limit, no bound, now, or the future', async () => {
    for (let i = 0; i < 3; i++) await ask(etcdKv.put, command.put(put({ key: 'a' })))
    const all = command.range(range({ key: 'a', rangeEnd: 'z' }))
    const [limit, revision, minMod, maxMod] = [3, 4, 10, 11]
    const counted = async (field: number, value: Uint8Array) =>
      RangeResponse.decode(await ask(etcdKv.range, withField(all, field, value))).kvs.length
    expect(await counted(limit, MOST)).toBe(1)
    expect(await counted(limit, LEAST)).toBe(1)
    expect(await counted(revision, LEAST)).toBe(1)
    expect(await counted(minMod, MOST)).toBe(0)
    expect(await counted(maxMod, MOST)).toBe(1)
    expect(await refused(etcdKv.range, withField(all, revision, MOST))).toBe(FUTURE)
    expect(await refused(etcdKv.compact, withField(b('\x04'), 1, MOST))).toBe(FUTURE)
  })

  it('of a comparison: above and below whatever a key can have', async () => {
    await ask(etcdKv.put, command.put(put({ key: 'a' })))
    const GREATER = 1
    const LESS = 2
    const MOD = 2
    const holds = async (result: number, value: Uint8Array) => {
      const one = [8, result, 16, MOD, 26, 1, 0x61, 48, ...value]
      const bytes = Uint8Array.from([3, 10, one.length, ...one])
      return TxnResponse.decode(await ask(etcdKv.txn, bytes)).succeeded
    }
    expect(await holds(LESS, MOST)).toBe(true)
    expect(await holds(GREATER, LEAST)).toBe(true)
    expect(await holds(GREATER, MOST)).toBe(false)
  })
})

describe('Txn', () => {
  const puts = (count: number) => Array.from({ length: count }, (_, i) => op.put({ key: `k${i}` }))
  const nested = (levels: number): TxnRequest =>
    txn({ success: levels === 0 ? [] : [op.txn(nested(levels - 1))] })

  it('what is wrong with it is told whichever branch would run', async () => {
    const missing = compare({ key: 'a', target: 0, targetUnion: { $case: 'version', value: 9 } })
    const wrong: [Partial<TxnRequest>, string][] = [
      [{ success: puts(129) }, '3 etcdserver: too many operations in txn request'],
      [{ failure: puts(1_290) }, '3 etcdserver: too many operations in txn request'],
      [
        { compare: Array.from({ length: 129 }, () => missing) },
        '3 etcdserver: too many operations in txn request',
      ],
      [nested(200), '3 etcdserver: too many operations in txn request'],
      [
        { success: [op.put({ key: 'a' }), op.put({ key: 'a' })] },
        '3 etcdserver: duplicate key given in txn request',
      ],
      [
        { success: [op.put({ key: 'a' }), op.del({ key: 'a' })] },
        '3 etcdserver: duplicate key given in txn request',
      ],
      // The branch that does not run.
      [{ failure: [op.put({ key: '' })] }, '3 etcdserver: key is not provided'],
      [{ compare: [compare({ key: '' })] }, '3 etcdserver: key is not provided'],
      [{ success: [op.put({ key: 'a', lease: '7' })] }, '5 etcdserver: requested lease not found'],
      [{ success: [op.range({ key: 'a', revision: 9 })] }, FUTURE],
    ]
    for (const [init, text] of wrong)
      expect(await refused(etcdKv.txn, command.txn(txn(init)))).toBe(text)
    expect(at.member.kv.revision).toBe(1)
    await ask(etcdKv.txn, command.txn(txn({ success: puts(128) })))
    expect(at.member.kv.revision).toBe(2)
  })

  it('a comparison that nobody knows is answered alike each time, and hurts nobody', async () => {
    const odd = txn({ compare: [compare({ key: 'a', target: 77 as 0, result: 99 as 0 })] })
    const once = await ask(etcdKv.txn, command.txn(odd)).then(String, String)
    expect(await ask(etcdKv.txn, command.txn(odd)).then(String, String)).toBe(once)
    expect((await read({ key: 'a' })).count).toBe(0)
  })
})

function watchOf(more: Partial<WatchCreateRequest>): WatchCreateRequest {
  const flags = { progressNotify: false, prevKv: false, fragment: false, filters: [] }
  const none = new Uint8Array(0)
  return { key: b('a'), rangeEnd: none, startRevision: 0, watchId: 0, ...flags, ...more }
}

describe('Watch', () => {
  /** The answers of one stream to what is asked of it. */
  function open() {
    const answers: WatchResponse[] = []
    const stream = at.channel.stream(etcdWatch.watch)
    stream.onMessage((response) => answers.push(response))
    const say = (requestUnion: WatchRequest['requestUnion']) => stream.write({ requestUnion })
    const create = (more: Partial<WatchCreateRequest>) =>
      say({ $case: 'createRequest', value: watchOf(more) })
    const heard = async (count: number) => {
      await expect.poll(() => answers.length).toBe(count)
      return answers.slice()
    }
    return { say, create, heard, cancel: () => stream.cancel() }
  }

  it('what cannot be watched is told by the stream, which goes on', async () => {
    for (let i = 0; i < 4; i++) await ask(etcdKv.put, command.put(put({ key: 'a' })))
    await ask(etcdKv.compact, command.compact(4))
    const { create, heard, cancel, say } = open()
    create({ startRevision: 2 })
    const [created, canceled] = await heard(2)
    expect(created).toMatchObject({ created: true, canceled: false, header: { revision: 5 } })
    expect(canceled).toMatchObject({
      created: false,
      canceled: true,
      compactRevision: 4,
      header: { revision: 0 },
    })
    create({ rangeEnd: b('A') })
    create({ startRevision: -1 })
    create({ watchId: -1 })
    // An id that no number is would be another when it is told.
    create({ watchId: Number.MAX_SAFE_INTEGER })
    create({ watchId: Number.MIN_SAFE_INTEGER })
    const wrong = (await heard(7)).slice(2)
    for (const answer of wrong)
      expect(answer).toMatchObject({ watchId: -1, created: true, canceled: true })
    // A watch that nobody has is cancelled in silence; of the future, waited for.
    say({ $case: 'cancelRequest', value: { watchId: 4_711 } })
    say(undefined)
    create({ startRevision: 1_000, watchId: 9 })
    expect((await heard(8))[7]).toMatchObject({ watchId: 9, created: true, canceled: false })
    create({ startRevision: 5 })
    const last = (await heard(10)).slice(8)
    expect(last.map(({ events }) => events.length)).toEqual([0, 1])
    cancel()
  })
})

describe('Watch, without end', () => {
  it('a history of large values comes in responses that get through', async () => {
    const value = 'x'.repeat(1_000_000)
    for (let i = 0; i < 100; i++) await ask(etcdKv.put, command.put(put({ key: 'a', value })))
    const stream = at.channel.stream(etcdWatch.watch)
    let told = 0
    let largest = 0
    stream.onMessage(({ events }) => {
      told += events.length
      largest = Math.max(largest, events.length)
    })
    stream.write({ requestUnion: { $case: 'createRequest', value: watchOf({ startRevision: 2 }) } })
    await expect.poll(() => told, { timeout: 20_000 }).toBe(100)
    expect(largest).toBe(1)
    stream.cancel()
  })

  it('one revision that no stream could hold ends the stream, and not the node', async () => {
    const value = 'x'.repeat(1_000_000)
    for (let i = 0; i < 50; i++) await ask(etcdKv.put, command.put(put({ key: `a${i}`, value })))
    const closed = new Promise<unknown>((resolve) => {
      const stream = at.channel.stream(etcdWatch.watch)
      stream.onClose(resolve)
      const value = watchOf({ rangeEnd: b('b'), prevKv: true })
      stream.write({ requestUnion: { $case: 'createRequest', value } })
      stream.onMessage(({ created }) => {
        if (created) void ask(etcdKv.deleteRange, command.del(del({ key: 'a', rangeEnd: 'b' })))
      })
    })
    expect(await closed).toMatchObject({ code: 8 })
    expect((await read({ key: 'a', rangeEnd: 'b' })).count).toBe(0)
  })

  it('deletions are parted, and bounded, by the values they tell', async () => {
    const value = 'x'.repeat(1_000_000)
    for (let i = 0; i < 5; i++) await ask(etcdKv.put, command.put(put({ key: `a${i}`, value })))
    await ask(etcdKv.deleteRange, command.del(del({ key: 'a', rangeEnd: 'b' })))
    const stream = at.channel.stream(etcdWatch.watch)
    const parts: [number, boolean][] = []
    stream.onMessage(({ events, fragment, created }) => {
      if (!created) parts.push([events.length, fragment])
    })
    const watch = { rangeEnd: b('b'), startRevision: 7, prevKv: true }
    const create = (fragment: boolean) =>
      stream.write({
        requestUnion: { $case: 'createRequest', value: watchOf({ ...watch, fragment }) },
      })
    create(true)
    await expect.poll(() => parts.length).toBe(5)
    expect(parts).toEqual([...Array(4).fill([1, true]), [1, false]])
    create(false)
    await expect.poll(() => parts.length).toBe(6)
    expect(parts[5]).toEqual([5, false])
    stream.cancel()
  })

  it('a history of deletions comes in responses that get through', async () => {
    const value = 'x'.repeat(1_000_000)
    for (let i = 0; i < 60; i++) {
      await ask(etcdKv.put, command.put(put({ key: 'a', value })))
      await ask(etcdKv.deleteRange, command.del(del({ key: 'a' })))
    }
    const stream = at.channel.stream(etcdWatch.watch)
    const closed: unknown[] = []
    stream.onClose((error) => closed.push(error))
    let told = 0
    stream.onMessage(({ events }) => {
      told += events.length
    })
    const past = watchOf({ startRevision: 2, prevKv: true, filters: [0] })
    stream.write({ requestUnion: { $case: 'createRequest', value: past } })
    await expect.poll(() => told, { timeout: 20_000 }).toBe(60)
    expect(closed).toEqual([])
    stream.cancel()
  })

  it('a watch more than a node has room for is refused, and one that ends makes room', async () => {
    const few = new Member(null, 2)
    const { channel, close } = await few.serve()
    const answers: WatchResponse[] = []
    const stream = channel.stream(etcdWatch.watch)
    stream.onMessage((response) => answers.push(response))
    const create = { $case: 'createRequest' as const, value: watchOf({}) }
    for (let i = 0; i < 3; i++) stream.write({ requestUnion: create })
    stream.write({ requestUnion: { $case: 'cancelRequest', value: { watchId: 0 } } })
    stream.write({ requestUnion: create })
    await expect.poll(() => answers.length).toBe(5)
    expect(answers.map(({ created, canceled }) => [created, canceled])).toEqual([
      [true, false],
      [true, false],
      [true, true],
      [false, true],
      [true, false],
    ])
    expect(answers[2]?.cancelReason).toBe('etcdserver: too many requests')
    stream.cancel()
    await expect.poll(() => few.hub.numbers.watchers).toBe(0)
    const next = channel.stream(etcdWatch.watch)
    next.onMessage((response) => answers.push(response))
    for (let i = 0; i < 2; i++) next.write({ requestUnion: create })
    await expect.poll(() => answers.length).toBe(7)
    expect(answers.slice(5).every(({ canceled }) => !canceled)).toBe(true)
    next.cancel()
    await close()
  })
})

describe('Lock and Election', () => {
  it('a name longer than any key is refused by each method, and the node lives', async () => {
    const name = b('n'.repeat(1_600_000))
    const leader = { name: b('n'), key: name, rev: 1, lease: '7' }
    const value = b('v')
    for (const call of [
      () => at.channel.unary(etcdLock.lock, { name, lease: '0' }),
      () => at.channel.unary(etcdLock.unlock, { key: name }),
      () => at.channel.unary(etcdElection.campaign, { name, lease: '0', value }),
      () => at.channel.unary(etcdElection.leader, { name }),
      () => at.channel.unary(etcdElection.proclaim, { leader, value }),
      () => at.channel.unary(etcdElection.resign, { leader }),
    ])
      expect(await refusal(call())).toMatch(/^[23] etcdserver: request is too large$/)
    const ended = new Promise<unknown>((resolve) => {
      const stream = at.channel.stream(etcdElection.observe)
      stream.onClose(resolve)
      stream.write({ name })
    })
    expect(await ended).toMatchObject({ code: 3, message: 'etcdserver: request is too large' })
    expect((await read({ key: 'a' })).count).toBe(0)
  })
})

describe('Auth', () => {
  it('users and roles need a name, before it is said that there are none yet', async () => {
    const user = { password: 'x', options: undefined, hashedPassword: '' }
    const add = (name: string) => at.channel.unary(etcdAuth.userAdd, { ...user, name })
    const addRole = (name: string) => at.channel.unary(etcdAuth.roleAdd, { name })
    expect(await refusal(add(''))).toBe('3 etcdserver: user name is empty')
    expect(await refusal(addRole(''))).toBe('3 etcdserver: role name is empty')
    expect(await refusal(add('u'))).toMatch(/^12 /)
    expect(await refusal(addRole('r'))).toMatch(/^12 /)
  })
})

describe('Lease', () => {
  const grant = (id: string, ttl: string) => refused(etcdLease.grant, command.grant(id, ttl))

  it('what is too long, taken or unknown', async () => {
    expect(await grant('7', '9000000001')).toBe('11 etcdserver: too large lease TTL')
    expect(await grant('7', '9223372036854775807')).toBe('11 etcdserver: too large lease TTL')
    await ask(etcdLease.grant, command.grant('7', '-9223372036854775808'))
    expect(await grant('7', '60')).toBe('9 etcdserver: lease already exists')
    expect(await refused(etcdLease.revoke, command.revoke('8'))).toBe(
      '5 etcdserver: requested lease not found',
    )
    expect(await refused(etcdLease.revoke, command.revoke('0'))).toBe(
      '5 etcdserver: requested lease not found',
    )
    const unknown = await ask(etcdLease.timeToLive, command.timeToLive('8', true))
    expect(LeaseTimeToLiveResponse.decode(unknown)).toMatchObject({ ID: '8', TTL: -1, keys: [] })
    expect(await refused(etcdLease.grant, b('\x06\x08'))).toBe(MALFORMED)
  })

  it('a keep-alive of what is over is answered 0, and the stream goes on', async () => {
    await ask(etcdLease.grant, command.grant('7', '2'))
    const ttls: number[] = []
    const stream = at.channel.stream(etcdLease.keepAlive)
    stream.onMessage(({ TTL }) => ttls.push(TTL))
    stream.write({ ID: '7' })
    await expect.poll(() => ttls).toEqual([2])
    at.member.at(2_000)
    for (const ID of ['7', '0', '-1', '9223372036854775807']) stream.write({ ID })
    await expect.poll(() => ttls).toEqual([2, 0, 0, 0, 0])
    stream.end()
  })
})
