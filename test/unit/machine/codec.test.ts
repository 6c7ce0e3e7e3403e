/** What is encoded and decoded by hand is the same as what the generated code makes of it. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  DeleteRangeResponse,
  PutRequest,
  PutResponse,
  RangeResponse,
  TxnResponse,
} from '../../../src/gen/etcd/api/etcdserverpb/rpc.js'
import { GONE, type History, spanOf, Version } from '../../../src/machine/kv/history.js'
import { compareLeases, isLeaseId } from '../../../src/machine/kv/lease-id.js'
import { PutFields } from '../../../src/machine/kv/put-fields.js'
import {
  decodeResult,
  encodeError,
  encodePutReply,
  encodeReply,
  sized,
} from '../../../src/machine/kv/replies.js'
import { b, t } from './helpers.js'

const natural = fc.oneof(fc.nat(300), fc.maxSafeNat())
const revisions = fc.oneof(
  fc.integer({ min: 1, max: 300 }),
  fc.maxSafeNat().filter((n) => n > 0),
)
const bytes = fc.uint8Array({ maxLength: 200 })
const lease = fc.oneof(
  fc.constant('0'),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
)

const versions = fc
  .record({ key: bytes, value: bytes, create: natural, mod: natural, version: natural, lease })
  .map(({ key, value, create, mod, version, lease }) => {
    const history: History = { key: t(key), keyHashA: 0, keyHashB: 0, versions: [] }
    // Behind some other bytes, as in a slab.
    const slab = new Uint8Array(value.length + 6)
    slab.set(value, 3)
    const span = { bytes: slab, from: 3, to: 3 + value.length }
    return new Version(history, { mod, sub: 0 }, { create, version, lease }, span)
  })

const kvOf = (v: Version) => ({
  key: b(v.history.key),
  createRevision: v.create,
  modRevision: v.mod,
  version: v.version,
  value: new Uint8Array(v.value),
  lease: v.lease,
})
const header = (revision: number) => ({ clusterId: '0', memberId: '0', revision, raftTerm: 0 })
const message = (result: Uint8Array): Uint8Array => {
  expect(result[0]).toBe(0)
  return result.subarray(1)
}

/** The generated encoder leaves zeros out, ours writes numbers that are never zero in a live key. */
const live = (v: Version): boolean =>
  v.create > 0 && v.mod > 0 && v.version > 0 && v.history.key !== ''

describe('replies', () => {
  test('Range', () => {
    fc.assert(
      fc.property(
        fc.array(versions),
        fc.boolean(),
        fc.boolean(),
        natural,
        (list, keysOnly, more, count) => {
          const kvs = list.filter(live)
          const ours = encodeReply(
            sized({ type: 'Range', revision: 5, kvs, keysOnly, more, count }),
          )
          const full = kvs.map(kvOf).map((kv) => (keysOnly ? { ...kv, value: b('') } : kv))
          const theirs = { header: header(5), kvs: full, more, count }
          expect(message(ours)).toEqual(RangeResponse.encode(theirs).finish())
        },
      ),
    )
  })

  test('Put', () => {
    fc.assert(
      fc.property(fc.option(versions), revisions, (version, revision) => {
        const prev = version !== null && live(version) ? version : null
        const theirs = { header: header(revision), prevKv: prev === null ? undefined : kvOf(prev) }
        const wanted = PutResponse.encode(theirs).finish()
        expect(message(encodeReply(sized({ type: 'Put', revision, prev })))).toEqual(wanted)
        if (prev === null) expect(message(encodePutReply(revision))).toEqual(wanted)
      }),
    )
  })

  test('DeleteRange', () => {
    fc.assert(
      fc.property(fc.array(versions), natural, (list, deleted) => {
        const prevs = list.filter(live)
        const ours = encodeReply(sized({ type: 'DeleteRange', revision: 300, deleted, prevs }))
        const theirs = { header: header(300), deleted, prevKvs: prevs.map(kvOf) }
        expect(message(ours)).toEqual(DeleteRangeResponse.encode(theirs).finish())
      }),
    )
  })

  test('Txn, nested', () => {
    fc.assert(
      fc.property(versions.filter(live), natural, fc.boolean(), (kv, count, succeeded) => {
        const range = sized({
          type: 'Range',
          revision: 9,
          kvs: [kv],
          keysOnly: false,
          more: true,
          count,
        })
        const put = sized({ type: 'Put', revision: 9, prev: kv })
        const gone = sized({ type: 'DeleteRange', revision: 9, deleted: 0, prevs: [] })
        const inner = sized({ type: 'Txn', revision: null, succeeded, responses: [put, gone] })
        const empty = sized({ type: 'Txn', revision: null, succeeded: false, responses: [] })
        const ours = sized({
          type: 'Txn',
          revision: 9,
          succeeded,
          responses: [range, inner, empty],
        })
        const h = header(9)
        const theirs: TxnResponse = {
          header: h,
          succeeded,
          responses: [
            {
              response: {
                $case: 'responseRange',
                value: { header: h, kvs: [kvOf(kv)], more: true, count },
              },
            },
            {
              response: {
                $case: 'responseTxn',
                value: {
                  header: header(0),
                  succeeded,
                  responses: [
                    { response: { $case: 'responsePut', value: { header: h, prevKv: kvOf(kv) } } },
                    {
                      response: {
                        $case: 'responseDeleteRange',
                        value: { header: h, deleted: 0, prevKvs: [] },
                      },
                    },
                  ],
                },
              },
            },
            {
              response: {
                $case: 'responseTxn',
                value: { header: header(0), succeeded: false, responses: [] },
              },
            },
          ],
        }
        expect(message(encodeReply(ours))).toEqual(TxnResponse.encode(theirs).finish())
      }),
    )
  })

  test('errors come back as they went', () => {
    const error = { code: 11, message: 'etcdserver: ünïcode' }
    expect(decodeResult(encodeError(error))).toEqual({ ok: false, error })
    expect(decodeResult(b(''))).toBeNull()
    expect(decodeResult(b('\x11'))).toBeNull()
  })
})

describe('PutFields', () => {
  const fields = new PutFields()
  const read = (m: Uint8Array) =>
    fields.read(m, 0) && {
      key: t(m.subarray(fields.keyFrom, fields.keyTo)),
      value: t(m.subarray(fields.valueFrom, fields.valueTo)),
      lease: '0',
      prevKv: fields.prevKv,
      ignoreValue: fields.ignoreValue,
      ignoreLease: fields.ignoreLease,
    }
  const generated = (m: Uint8Array) => {
    const p = PutRequest.decode(m)
    return { ...p, key: t(p.key), value: t(p.value) }
  }

  test('reads what the generated code reads, or leaves it to that', () => {
    const puts = fc.record({
      key: bytes,
      value: fc.uint8Array({ maxLength: 2000 }),
      lease,
      prevKv: fc.boolean(),
      ignoreValue: fc.boolean(),
      ignoreLease: fc.boolean(),
    })
    fc.assert(
      fc.property(puts, (p) => {
        const m = PutRequest.encode(p).finish()
        const ours = read(m)
        if (p.lease !== '0') expect(ours).toBe(false)
        else expect(ours).toEqual(generated(m))
      }),
    )
  })

  test('what it reads of bytes in disorder is what the generated code reads', () => {
    let agreed = 0
    const tags = fc.constantFrom(0x0a, 0x12, 0x0a, 0x12, 0x18, 0x20, 0x28, 0x30, 0x38)
    const field = fc
      .tuple(tags, fc.uint8Array({ maxLength: 4 }))
      .map(([tag, content]) =>
        tag === 0x0a || tag === 0x12
          ? [tag, content.length, ...content]
          : [tag, (content[0] ?? 1) & 1],
      )
    fc.assert(
      fc.property(fc.array(field), fc.uint8Array({ maxLength: 2 }), (list, tail) => {
        const m = Uint8Array.from([...list.flat(), ...tail])
        const ours = read(m)
        if (ours === false) return
        agreed++
        expect(ours).toEqual(generated(m))
      }),
      { numRuns: 3000 },
    )
    expect(agreed).toBeGreaterThan(200)
  })
})

describe('leaves', () => {
  test('lease ids are compared as numbers and are int64', () => {
    expect(Math.sign(compareLeases('9', '10'))).toBe(-1)
    expect(compareLeases('-1', '0')).toBeLessThan(0)
    expect(compareLeases('9223372036854775807', '9223372036854775806')).toBeGreaterThan(0)
    expect(['0', '-1', '9223372036854775807', '-9223372036854775808'].every(isLeaseId)).toBe(true)
    expect(['', '-0', '00', '1x', '9223372036854775808', '-'].some(isLeaseId)).toBe(false)
  })

  test('a deletion has no value', () => {
    const history: History = { key: 'a', keyHashA: 0, keyHashB: 0, versions: [] }
    const gone = new Version(history, { mod: 2, sub: 0 }, GONE, null)
    expect([gone.deleted, gone.value.length]).toEqual([true, 0])
    const empty = new Version(history, { mod: 2, sub: 0 }, GONE, spanOf(b('')))
    expect(empty.deleted).toBe(false)
  })
})
