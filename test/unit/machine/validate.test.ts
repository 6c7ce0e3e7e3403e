import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { TxnRequest } from '../../../src/gen/etcd/api/etcdserverpb/rpc.js'
import { COMMAND_BYTES_MAX, encodeCommand } from '../../../src/machine/kv/commands.js'
import { KV_ERRORS } from '../../../src/machine/kv/errors.js'
import { KvMachine } from '../../../src/machine/kv/kv-machine.js'
import { decodeResult } from '../../../src/machine/kv/replies.js'
import { validate } from '../../../src/machine/kv/validate.js'
import { TXN_DEPTH_MAX } from '../../../src/machine/kv/wire-scan.js'
import { commands } from './arbitrary.js'
import { b, command, compare, del, op, put, range, txn } from './helpers.js'

const check = (bytes: Uint8Array): string | null => validate(bytes)?.message ?? null
const ofTxn = (init: Partial<TxnRequest>): string | null => check(command.txn(txn(init)))

const EMPTY_KEY = 'etcdserver: key is not provided'
const TOO_MANY = 'etcdserver: too many operations in txn request'
const DUPLICATE = 'etcdserver: duplicate key given in txn request'
const MALFORMED = 'quorate: malformed command'

describe('keys', () => {
  test('an empty key is refused everywhere', () => {
    expect(check(command.put(put({})))).toBe(EMPTY_KEY)
    expect(check(command.range(range({ rangeEnd: 'b' })))).toBe(EMPTY_KEY)
    expect(check(command.del(del({})))).toBe(EMPTY_KEY)
    expect(ofTxn({ compare: [compare({})] })).toBe(EMPTY_KEY)
    expect(ofTxn({ failure: [op.txn({ success: [op.range({})] })] })).toBe(EMPTY_KEY)
  })

  test('an operation that is none is refused as etcd refuses it', () => {
    expect(ofTxn({ success: [{ request: undefined }] })).toBe('etcdserver: key not found')
  })
})

describe('walks through the store in a transaction', () => {
  const walks = (n: number) =>
    Array.from({ length: n }, () => op.range({ key: 'a', rangeEnd: 'b', countOnly: true }))
  const compares = (n: number) =>
    Array.from({ length: n }, () => compare({ key: 'a', rangeEnd: 'b' }))

  test('128 of one way through it, not 129, however they are nested', () => {
    expect(ofTxn({ success: walks(128), failure: walks(128) })).toBeNull()
    expect(ofTxn({ compare: compares(64), success: walks(64) })).toBeNull()
    expect(ofTxn({ compare: compares(65), success: walks(64) })).toBe(TOO_MANY)
    const nested = op.txn({ compare: compares(20), failure: [op.del({ key: 'a', rangeEnd: 'b' })] })
    expect(ofTxn({ success: Array.from({ length: 6 }, () => nested) })).toBeNull()
    expect(ofTxn({ success: Array.from({ length: 7 }, () => nested) })).toBe(TOO_MANY)
  })
})

describe('operations in a transaction', () => {
  const ranges = (n: number) => Array.from({ length: n }, () => op.range({ key: 'a' }))

  test('128 in a list, not 129; compares count as a list', () => {
    expect(ofTxn({ success: ranges(128), failure: ranges(128) })).toBeNull()
    expect(ofTxn({ success: ranges(129) })).toBe(TOO_MANY)
    expect(ofTxn({ compare: Array.from({ length: 129 }, () => compare({ key: 'a' })) })).toBe(
      TOO_MANY,
    )
  })

  test('what a list holds is taken off what its nested lists may hold', () => {
    const nested = (outer: number, inner: number) =>
      ofTxn({ success: [...ranges(outer - 1), op.txn({ success: ranges(inner) })] })
    expect(nested(28, 100)).toBeNull()
    expect(nested(28, 101)).toBe(TOO_MANY)
    expect(nested(128, 0)).toBeNull()
    expect(nested(128, 1)).toBe(TOO_MANY)
  })

  test('nesting is bounded', () => {
    const deep = (levels: number): TxnRequest => {
      let inner = txn({})
      for (let i = 1; i < levels; i++) inner = txn({ success: [op.txn(inner)] })
      return inner
    }
    expect(check(command.txn(deep(TXN_DEPTH_MAX)))).toBeNull()
    expect(check(command.txn(deep(TXN_DEPTH_MAX + 1)))).toBe(TOO_MANY)
  })

  test('a hundred thousand levels cost no stack', () => {
    // Innermost first: an operation is 0x22 length txn, a transaction 0x12 length op.
    const parts: number[] = []
    let length = 0
    const prefix = (tag: number): void => {
      const head = [tag]
      for (let n = length; ; n = Math.floor(n / 128)) {
        head.push(n >= 128 ? (n % 128) | 128 : n)
        if (n < 128) break
      }
      parts.push(...head.reverse())
      length += head.length
    }
    for (let i = 0; i < 100_000; i++) {
      prefix(0x22)
      prefix(0x12)
    }
    const bytes = encodeCommand(3, Uint8Array.from(parts.reverse()))
    expect(bytes.length).toBeLessThan(COMMAND_BYTES_MAX)
    expect(check(bytes)).toBe(TOO_MANY)
    expect(new KvMachine().apply(bytes, { index: 1, time: 1 })[0]).toBe(3)
  })
})

describe('keys written twice', () => {
  const a = op.put({ key: 'a' })
  const cases: [string, Partial<TxnRequest>, string | null][] = [
    ['two puts', { success: [a, a] }, DUPLICATE],
    ['two puts in the branch that may not run', { failure: [a, a] }, DUPLICATE],
    ['one in each branch', { success: [a], failure: [a] }, null],
    ['a put and a deletion', { success: [a, op.del({ key: 'a' })] }, DUPLICATE],
    [
      'a put inside a deleted range',
      { success: [a, op.del({ key: 'Z', rangeEnd: 'b' })] },
      DUPLICATE,
    ],
    [
      'a put at the end of a deleted range',
      { success: [a, op.del({ key: 'A', rangeEnd: 'a' })] },
      null,
    ],
    [
      'a put above an open end: let through, as in etcd',
      { success: [a, op.del({ key: 'A', rangeEnd: '\0' })] },
      null,
    ],
    ['a deleted range upside down', { success: [a, op.del({ key: 'b', rangeEnd: 'A' })] }, null],
    ['two deletions', { success: [op.del({ key: 'a' }), op.del({ key: 'a' })] }, null],
    ['a put and a nested put', { success: [a, op.txn({ success: [a] })] }, DUPLICATE],
    [
      'nested puts that exclude each other',
      { success: [op.txn({ success: [a], failure: [a] })] },
      null,
    ],
    [
      'puts in two nested ones',
      { success: [op.txn({ success: [a] }), op.txn({ failure: [a] })] },
      DUPLICATE,
    ],
    [
      'a deletion and a nested put',
      { success: [op.txn({ success: [a] }), op.del({ key: 'a' })] },
      DUPLICATE,
    ],
    [
      'a put and a nested deletion',
      { success: [op.txn({ success: [op.del({ key: 'a' })] }), a] },
      DUPLICATE,
    ],
    [
      'a nested deletion, then a nested put',
      { success: [op.txn({ success: [op.del({ key: 'a' })] }), op.txn({ success: [a] })] },
      DUPLICATE,
    ],
    [
      'a nested put, then a nested deletion: let through, as in etcd',
      { success: [op.txn({ success: [a] }), op.txn({ success: [op.del({ key: 'a' })] })] },
      null,
    ],
  ]
  test.each(cases)('%s', (_, init, wanted) => {
    expect(ofTxn(init)).toBe(wanted)
  })

  test('ten thousand nested operations take no noticeable time', () => {
    const level = (depth: number, prefix: string): Partial<TxnRequest> => ({
      success: Array.from({ length: 30 }, (_, i) =>
        depth === 0
          ? i % 2 === 0
            ? op.put({ key: `p${prefix}/${i}` })
            : op.del({ key: `d${prefix}/${i}` })
          : op.txn(level(depth - 1, `${prefix}/${i}`)),
      ),
    })
    const bytes = command.txn(txn(level(2, '')))
    const from = process.cpuUsage().user
    expect(check(bytes)).toBeNull()
    expect(process.cpuUsage().user - from).toBeLessThan(2_000_000)
  })
})

describe('bytes', () => {
  test('1.5 MiB and no more', () => {
    const room =
      COMMAND_BYTES_MAX - command.put(put({ key: 'k', value: 'x'.repeat(1_500_000) })).length
    const value = 'x'.repeat(1_500_000 + room)
    expect(command.put(put({ key: 'k', value })).length).toBe(COMMAND_BYTES_MAX)
    expect(check(command.put(put({ key: 'k', value })))).toBeNull()
    expect(check(command.put(put({ key: 'k', value: `${value}x` })))).toBe(
      'etcdserver: request is too large',
    )
    const machine = new KvMachine()
    machine.apply(command.put(put({ key: 'k', value: `${value}x` })), { index: 1, time: 1 })
    expect(machine.revision).toBe(1)
  })

  test('no 64-bit integer is refused for its size', () => {
    const int64 = (field: number, n: bigint): number[] => {
      const out = [field << 3]
      let rest = BigInt.asUintN(64, n)
      for (; rest >= 128n; rest >>= 7n) out.push(Number(rest & 127n) | 128)
      return [...out, Number(rest)]
    }
    const asked = (n: bigint) => check(Uint8Array.of(5, 0x0a, 1, 0x61, ...int64(4, n)))
    for (const n of [2n ** 53n - 1n, 2n ** 53n, 2n ** 63n - 1n, -1n, -(2n ** 63n)])
      expect(asked(n)).toBeNull()
    // A lease is an id, not a number.
    expect(check(Uint8Array.of(1, 0x0a, 1, 0x61, ...int64(3, 2n ** 63n - 1n)))).toBeNull()
  })

  test('what is no command is refused', () => {
    expect(check(b(''))).toBe(KV_ERRORS.unknownCommand.message)
    expect(check(b('\0'))).toBe(KV_ERRORS.unknownCommand.message)
    expect(check(b('\x20'))).toBe(KV_ERRORS.unknownCommand.message)
    expect(check(b('\x01\x0a\x05a'))).toBe(MALFORMED)
    expect(check(b('\x01\x0b'))).toBe(MALFORMED)
    expect(check(b('\x05\x0a\x01a\x9b\x06\x9c\x06'))).toBe(MALFORMED)
  })

  test('garbage is answered, never thrown, and leaves the state alone', () => {
    const machine = new KvMachine()
    const hash = machine.hash()
    const tagged = fc
      .tuple(fc.integer({ min: 0, max: 6 }), fc.uint8Array({ maxLength: 60 }))
      .map(([tag, bytes]) => encodeCommand(tag as 1, bytes))
    fc.assert(
      fc.property(tagged, (bytes) => {
        const error = validate(bytes)
        const query = decodeResult(machine.query(bytes))
        expect(query).not.toBeNull()
        if (error === null) return
        expect(decodeResult(machine.apply(bytes, { index: 1, time: 1 }))).toEqual({
          ok: false,
          error,
        })
        expect(machine.hash()).toBe(hash)
      }),
      { numRuns: 3000 },
    )
  })

  test('mutated commands are answered or refused, the same on two machines', () => {
    const one = new KvMachine()
    const two = new KvMachine()
    let index = 0
    fc.assert(
      fc.property(commands, fc.nat(), fc.nat(255), (bytes, at, byte) => {
        const mutated = bytes.slice()
        mutated[at % mutated.length] = byte
        index++
        const result = one.apply(mutated, { index, time: index })
        expect(two.apply(mutated.slice(), { index, time: index })).toEqual(result)
        expect(decodeResult(result)).not.toBeNull()
        expect(two.hash()).toBe(one.hash())
      }),
      { numRuns: 3000 },
    )
  })
})
