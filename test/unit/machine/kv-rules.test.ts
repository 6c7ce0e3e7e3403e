/** One test per rule of etcd's key-value semantics; the title says the rule. */
import { describe, expect, test } from 'vitest'
import { CommandTag } from '../../../src/machine/kv/commands.js'
import { KvMachine } from '../../../src/machine/kv/kv-machine.js'
import { b, command, compare, op, outcome, put, speak, t, txn } from './helpers.js'

const COMPACTED = '11 etcdserver: mvcc: required revision has been compacted'
const FUTURE = '11 etcdserver: mvcc: required revision is a future revision'
const open = () => speak(new KvMachine())

describe('revisions', () => {
  test('an empty store has revision 1', () => {
    expect(open().range({ key: 'a' }).header?.revision).toBe(1)
  })

  test('every mutating request adds one', () => {
    const kv = open()
    expect(kv.put({ key: 'a' }).header?.revision).toBe(2)
    expect(kv.put({ key: 'a' }).header?.revision).toBe(3)
    expect(kv.del({ key: 'a' }).header?.revision).toBe(4)
  })

  test('a transaction with many writes is one revision', () => {
    const kv = open()
    const reply = kv.txn({
      success: [op.put({ key: 'a' }), op.put({ key: 'b' }), op.del({ key: 'c' })],
    })
    expect(reply.header?.revision).toBe(2)
    expect(kv.range({ key: 'b' }).kvs[0]?.modRevision).toBe(2)
  })

  test('deletes that hit nothing, failed compares without a branch and read-only transactions add none', () => {
    const kv = open()
    kv.del({ key: 'a' })
    kv.txn({
      compare: [compare({ key: 'a', targetUnion: { $case: 'version', value: 1 } })],
      success: [op.put({ key: 'a' })],
    })
    kv.txn({ success: [op.range({ key: 'a' })] })
    kv.txn({})
    expect(kv.machine.revision).toBe(1)
  })

  test('a range tells the revision of the store, not the one that was asked for', () => {
    const kv = open()
    kv.put({ key: 'a' })
    kv.put({ key: 'a' })
    expect(kv.range({ key: 'a', revision: 2 }).header?.revision).toBe(3)
  })

  test('revision 0 and below is now; above the current one is a future revision', () => {
    const kv = open()
    kv.put({ key: 'a', value: 'x' })
    expect(kv.list({ key: 'a', revision: -7 })).toEqual(['a=x'])
    expect(kv.range({ key: 'a', revision: 3 })).toBe(FUTURE)
  })

  test('below the compacted revision is refused, exactly at it is readable', () => {
    const kv = open()
    for (const value of ['1', '2', '3']) kv.put({ key: 'a', value })
    kv.compact(3)
    expect(kv.list({ key: 'a', revision: 2 })).toEqual([COMPACTED])
    expect(kv.list({ key: 'a', revision: 3 })).toEqual(['a=2'])
  })

  test('older revisions are read as they were, also of deleted and created-again keys', () => {
    const kv = open()
    kv.put({ key: 'a', value: '1' })
    kv.put({ key: 'b', value: '2' })
    kv.del({ key: 'a' })
    kv.put({ key: 'a', value: '4' })
    const at = (revision: number) => kv.list({ key: 'a', rangeEnd: '\0', revision })
    expect([2, 3, 4, 5].map(at)).toEqual([['a=1'], ['a=1', 'b=2'], ['b=2'], ['a=4', 'b=2']])
  })
})

describe('compaction', () => {
  test('at or below the compacted revision: compacted; above the current one: future', () => {
    const kv = open()
    kv.put({ key: 'a' })
    kv.compact(2)
    expect(kv.compact(2)).toBe(COMPACTED)
    expect(kv.compact(-1)).toBe(COMPACTED)
    expect(kv.compact(3)).toBe(FUTURE)
  })

  test('its reply tells the current revision, and it adds none', () => {
    const kv = open()
    kv.put({ key: 'a' })
    kv.put({ key: 'a' })
    expect(kv.compact(2).header?.revision).toBe(3)
    expect(kv.machine.revision).toBe(3)
  })

  test('a deletion exactly at the compacted revision is still told to who watches from there', () => {
    const kv = open()
    kv.put({ key: 'a' })
    kv.del({ key: 'a' })
    kv.compact(3)
    while (kv.machine.collect(1)) {}
    expect(kv.machine.eventsSince(3, 10)?.map((e) => [e.mod, e.deleted])).toEqual([[3, true]])
    expect(kv.machine.eventsSince(2, 10)).toBeNull()
  })

  test('a deletion that was kept for watchers goes with the next compaction', () => {
    const kv = open()
    kv.put({ key: 'a' })
    kv.del({ key: 'a' })
    kv.compact(3)
    while (kv.machine.collect(1)) {}
    expect(kv.machine.keysHeld).toBe(1)
    kv.put({ key: 'b' })
    kv.compact(4)
    while (kv.machine.collect(1)) {}
    expect(kv.machine.keysHeld).toBe(1)
    expect(kv.machine.eventsHeld).toBe(1)
  })

  test('collecting frees what no reader can see, in slices', () => {
    const kv = open()
    for (let i = 0; i < 1000; i++) kv.put({ key: `k${i % 10}`, value: String(i) })
    const hash = kv.machine.hash()
    kv.compact(900)
    expect(kv.machine.hash()).not.toBe(hash)
    const compacted = kv.machine.hash()
    let slices = 0
    while (kv.machine.collect(100)) slices++
    expect(slices).toBeGreaterThan(5)
    expect(kv.machine.eventsHeld).toBe(102)
    expect(kv.machine.hash()).toBe(compacted)
    expect(kv.list({ key: 'k', rangeEnd: 'l', revision: 900 })).toHaveLength(10)
  })

  test('a key of very many versions is freed in slices too', () => {
    const kv = open()
    for (let i = 0; i < 5_000; i++) kv.put({ key: 'hot', value: 'x' })
    kv.compact(kv.machine.revision)
    let before = kv.machine.bytesHeld
    let most = 0
    for (let more = true; more; ) {
      more = kv.machine.collect(64)
      most = Math.max(most, before - kv.machine.bytesHeld)
      before = kv.machine.bytesHeld
    }
    expect(most).toBe(256)
    expect(kv.machine.bytesHeld).toBe('hot'.length + 'x'.length)
    expect(kv.machine.eventsHeld).toBe(1)
  })
})

describe('key-values', () => {
  test('create_revision and version start anew when a key is created again', () => {
    const kv = open()
    for (let i = 0; i < 3; i++) kv.put({ key: 'a' })
    expect(kv.range({ key: 'a' }).kvs[0]).toMatchObject({
      createRevision: 2,
      modRevision: 4,
      version: 3,
    })
    kv.del({ key: 'a' })
    kv.put({ key: 'a' })
    expect(kv.range({ key: 'a' }).kvs[0]).toMatchObject({
      createRevision: 6,
      modRevision: 6,
      version: 1,
    })
  })

  test('prev_kv is what was there before', () => {
    const kv = open()
    expect(kv.put({ key: 'a', value: '1', prevKv: true }).prevKv).toBeUndefined()
    expect(t(kv.put({ key: 'a', value: '2', prevKv: true }).prevKv?.value ?? b(''))).toBe('1')
    expect(kv.put({ key: 'a', value: '3' }).prevKv).toBeUndefined()
    const deleted = kv.del({ key: 'a', prevKv: true })
    expect([deleted.deleted, deleted.prevKvs.map((k) => t(k.value))]).toEqual([1, ['3']])
    expect(kv.del({ key: 'a', prevKv: true })).toMatchObject({ deleted: 0, prevKvs: [] })
  })

  test('any bytes are a key and come back exactly', () => {
    const kv = open()
    const keys = [
      '\0',
      '\0\0',
      '\xff\xfe',
      '__proto__',
      'constructor',
      'ü',
      '\x80',
      'x'.repeat(9000),
    ]
    for (const key of keys) kv.put({ key, value: key })
    expect(kv.list({ key: '\0', rangeEnd: '\0' })).toEqual([...keys].sort().map((k) => `${k}=${k}`))
  })

  test('keys are ordered by bytes, a prefix first', () => {
    const kv = open()
    for (const key of ['b', 'a\xff', 'a', 'a\0', 'B']) kv.put({ key })
    expect(kv.list({ key: '\0', rangeEnd: '\0' }).map((x) => x.slice(0, -1))).toEqual([
      'B',
      'a',
      'a\0',
      'a\xff',
      'b',
    ])
  })
})

describe('put', () => {
  test('ignore_value keeps the value, and needs the key', () => {
    const kv = open()
    expect(kv.put({ key: 'a', ignoreValue: true })).toBe('3 etcdserver: key not found')
    kv.put({ key: 'a', value: 'x' })
    kv.put({ key: 'a', ignoreValue: true })
    expect(kv.range({ key: 'a' }).kvs[0]).toMatchObject({ value: b('x'), version: 2 })
    expect(kv.put({ key: 'a', value: 'y', ignoreValue: true })).toBe(
      '3 etcdserver: value is provided',
    )
  })

  test('ignore_lease needs the key, and no lease beside it', () => {
    const kv = open()
    expect(kv.put({ key: 'a', ignoreLease: true })).toBe('3 etcdserver: key not found')
    expect(kv.put({ key: 'a', lease: '5', ignoreLease: true })).toBe(
      '3 etcdserver: lease is provided',
    )
  })

  test('a lease that does not exist is refused, of any 64 bits', () => {
    const kv = open()
    for (const lease of ['1', '9223372036854775807', '-9223372036854775808'])
      expect(kv.put({ key: 'a', lease })).toBe('5 etcdserver: requested lease not found')
    expect(kv.machine.revision).toBe(1)
  })

  test('of a missing lease and a missing key, a put by itself tells the lease, in a transaction the key', () => {
    const kv = open()
    const both = { key: 'a', lease: '1', ignoreValue: true }
    expect(kv.put(both)).toBe('5 etcdserver: requested lease not found')
    expect(kv.txn({ success: [op.put(both)] })).toBe('3 etcdserver: key not found')
  })
})

describe('range', () => {
  const filled = () => {
    const kv = open()
    for (const [key, value] of [
      ['c', '1'],
      ['a', '3'],
      ['b', '2'],
      ['a', '3'],
    ] as const)
      kv.put({ key, value })
    return kv
  }
  const all = { key: '\0', rangeEnd: '\0' }

  test('no range_end: the key alone; one zero byte: from the key on; else below range_end', () => {
    const kv = filled()
    expect(kv.list({ key: 'b' })).toEqual(['b=2'])
    expect(kv.list({ key: 'b', rangeEnd: '\0' })).toEqual(['b=2', 'c=1'])
    expect(kv.list({ key: 'a', rangeEnd: 'c' })).toEqual(['a=3', 'b=2'])
  })

  test('key >= range_end is an empty result and no error', () => {
    const kv = filled()
    expect(kv.list({ key: 'b', rangeEnd: 'b' })).toEqual([])
    expect(kv.list({ key: 'c', rangeEnd: 'a' })).toEqual([])
    expect(kv.del({ key: 'c', rangeEnd: 'a' }).deleted).toBe(0)
  })

  test('count ignores limit and filters; more tells that the limit cut', () => {
    const kv = filled()
    expect(kv.range({ ...all, limit: 2 })).toMatchObject({ count: 3, more: true })
    expect(kv.range({ ...all, limit: 3 })).toMatchObject({ count: 3, more: false })
    expect(kv.range({ ...all, limit: 1, minModRevision: 4 })).toMatchObject({
      count: 3,
      more: true,
    })
    expect(kv.range({ ...all, limit: 1, minModRevision: 5 })).toMatchObject({
      count: 3,
      more: false,
    })
    expect(kv.range({ ...all, limit: -1 }).kvs).toHaveLength(3)
  })

  test('count_only gives the count alone', () => {
    expect(filled().range({ ...all, countOnly: true, limit: 1 })).toMatchObject({
      count: 3,
      kvs: [],
      more: false,
    })
  })

  test('keys_only drops the values', () => {
    expect(filled().list({ ...all, keysOnly: true })).toEqual(['a=', 'b=', 'c='])
  })

  test('filters by mod and create revision', () => {
    const kv = filled()
    expect(kv.list({ ...all, minModRevision: 4 })).toEqual(['a=3', 'b=2'])
    expect(kv.list({ ...all, maxModRevision: 4 })).toEqual(['b=2', 'c=1'])
    expect(kv.list({ ...all, minCreateRevision: 3 })).toEqual(['a=3', 'b=2'])
    expect(kv.list({ ...all, maxCreateRevision: 3 })).toEqual(['a=3', 'c=1'])
  })

  test('sorts by every target, both ways', () => {
    const kv = filled()
    const by = (sortTarget: 0 | 1 | 2 | 3 | 4, sortOrder: 1 | 2) =>
      kv
        .list({ ...all, sortTarget, sortOrder })
        .map((x) => x[0])
        .join('')
    expect([by(0, 1), by(1, 1), by(2, 1), by(3, 1), by(4, 1)]).toEqual([
      'abc',
      'bca',
      'cab',
      'cba',
      'cba',
    ])
    expect([by(0, 2), by(1, 2), by(2, 2), by(3, 2), by(4, 2)]).toEqual([
      'cba',
      'abc',
      'bac',
      'abc',
      'abc',
    ])
  })

  test('a target without an order sorts upwards, but only what the limit let through', () => {
    const kv = filled()
    expect(kv.list({ ...all, sortTarget: 4 })).toEqual(['c=1', 'b=2', 'a=3'])
    expect(kv.list({ ...all, sortTarget: 4, limit: 1 })).toEqual(['b=2'])
    expect(kv.list({ ...all, sortTarget: 4, sortOrder: 1, limit: 1 })).toEqual(['c=1'])
  })

  test('an order or target that does not exist is refused', () => {
    const kv = open()
    expect(kv.range({ key: 'a', sortOrder: 3 as 0 })).toBe('3 etcdserver: invalid sort option')
    expect(kv.range({ key: 'a', sortTarget: -1 as 0 })).toBe('3 etcdserver: invalid sort option')
  })
})

describe('transactions', () => {
  test('compares see zeros for a missing key', () => {
    const kv = open()
    const holds = (target: 0 | 1 | 2 | 3 | 4, result: 0 | 1 | 2 | 3) =>
      kv.txn({ compare: [compare({ key: 'no', target, result })] }).succeeded
    for (const target of [0, 1, 2, 4] as const) {
      expect(holds(target, 0)).toBe(true)
      expect(holds(target, 3)).toBe(false)
    }
  })

  test('a compare of the value of a missing key is false, even NOT_EQUAL', () => {
    const kv = open()
    for (const result of [0, 1, 2, 3] as const) {
      const targetUnion = { $case: 'value', value: b('') } as const
      expect(
        kv.txn({ compare: [compare({ key: 'no', target: 3, result, targetUnion })] }).succeeded,
      ).toBe(false)
    }
  })

  test('a range compare holds when every key satisfies it', () => {
    const kv = open()
    for (const key of ['a', 'b']) kv.put({ key, value: 'x' })
    const same = compare({
      key: 'a',
      rangeEnd: 'c',
      target: 3,
      targetUnion: { $case: 'value', value: b('x') },
    })
    expect(kv.txn({ compare: [same] }).succeeded).toBe(true)
    kv.put({ key: 'b', value: 'y' })
    expect(kv.txn({ compare: [same] }).succeeded).toBe(false)
  })

  test('an unknown comparison holds, an unknown target compares equal', () => {
    const kv = open()
    expect(kv.txn({ compare: [compare({ key: 'a', result: 9 as 0 })] }).succeeded).toBe(true)
    expect(kv.txn({ compare: [compare({ key: 'a', target: 9 as 0 })] }).succeeded).toBe(true)
    expect(kv.txn({ compare: [compare({ key: 'a', target: 9 as 0, result: 3 })] }).succeeded).toBe(
      false,
    )
  })

  test('reads see the writes before them in the same transaction', () => {
    const kv = open()
    const { responses } = kv.txn({
      success: [op.range({ key: 'a' }), op.put({ key: 'a', value: 'x' }), op.range({ key: 'a' })],
    })
    const counts = responses.map((r) =>
      r.response?.$case === 'responseRange' ? r.response.value.count : null,
    )
    expect(counts).toEqual([0, null, 1])
  })

  test('nested compares see the state before the transaction', () => {
    const kv = open()
    const missing = compare({ key: 'a', targetUnion: { $case: 'version', value: 0 } })
    kv.txn({
      success: [
        op.put({ key: 'a' }),
        op.txn({
          compare: [missing],
          success: [op.put({ key: 'then' })],
          failure: [op.put({ key: 'else' })],
        }),
      ],
    })
    expect(kv.list({ key: 'then' })).toHaveLength(1)
  })

  test('operations have headers with the revision, a nested transaction has an empty one', () => {
    const kv = open()
    const { responses } = kv.txn({
      success: [op.put({ key: 'a' }), op.txn({ success: [op.range({ key: 'a' })] })],
    })
    const [first, second] = responses.map((r) => r.response)
    expect(first?.value.header?.revision).toBe(2)
    expect(second?.value.header?.revision).toBe(0)
    expect(
      second?.$case === 'responseTxn' &&
        second.value.responses[0]?.response?.value.header?.revision,
    ).toBe(2)
  })

  test('what fails fails as a whole: lease, key, revision, wherever it stands', () => {
    const kv = open()
    for (let i = 0; i < 4; i++) kv.put({ key: 'k' })
    kv.compact(3)
    const cases = [
      [op.put({ key: 'x', lease: '9' }), '5 etcdserver: requested lease not found'],
      [op.put({ key: 'x', ignoreValue: true }), '3 etcdserver: key not found'],
      [op.range({ key: 'k', revision: 2 }), COMPACTED],
      [op.range({ key: 'k', revision: -2 }), COMPACTED],
      [op.range({ key: 'k', revision: 6 }), FUTURE],
    ] as const
    const before = kv.machine.hash()
    for (const [bad, error] of cases) {
      expect(kv.txn({ success: [op.put({ key: 'a' }), bad] })).toBe(error)
      expect(kv.txn({ success: [op.put({ key: 'a' }), op.txn({ success: [bad] })] })).toBe(error)
      // The branch that is not taken is not looked at.
      expect(kv.txn({ failure: [bad] })).toMatchObject({ succeeded: true })
    }
    expect(kv.machine.hash()).toBe(before)
  })

  test('a deletion from a key on may be followed by a put above it, which then is created anew', () => {
    const kv = open()
    kv.put({ key: 'b', value: 'old' })
    const from = op.del({ key: 'a', rangeEnd: '\0' })
    kv.txn({ success: [from, op.put({ key: 'b', value: 'new' })] })
    expect(kv.range({ key: 'b' }).kvs[0]).toMatchObject({ createRevision: 3, version: 1 })
    expect(kv.machine.eventsSince(3, 9)?.map((e) => e.deleted)).toEqual([true, false])
    const keeps = op.put({ key: 'b', ignoreValue: true })
    expect(kv.txn({ success: [from, keeps] })).toBe('3 etcdserver: key not found')
    expect(kv.txn({ success: [keeps, from] })).toMatchObject({ succeeded: true })
  })

  test('a nested transaction is never only reading; one of ranges is, and so is an empty one', () => {
    const { machine } = open()
    const ask = (x: Parameters<typeof txn>[0]) =>
      outcome(CommandTag.TXN, machine.query(command.txn(txn(x))))
    expect(ask({ success: [op.range({ key: 'a' })] })).toMatchObject({ succeeded: true })
    expect(ask({})).toMatchObject({ succeeded: true })
    for (const bad of [op.txn({}), op.put({ key: 'a' }), op.del({ key: 'a' })]) {
      expect(ask({ failure: [bad] })).toBe('3 quorate: not a query')
    }
    expect(outcome(CommandTag.PUT, machine.query(command.put(put({ key: 'a' }))))).toBe(
      '3 quorate: not a query',
    )
    expect(machine.revision).toBe(1)
  })
})
