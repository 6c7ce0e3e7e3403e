/** Random requests over few keys and revisions, so that they meet each other. */
import fc from 'fast-check'
import type { RequestOp } from '../../../src/gen/etcd/api/etcdserverpb/rpc.js'
import { command, compare, del, op, put, range, txn } from './helpers.js'

const KEYS = ['a', 'aa', 'a\0', 'b', 'c', '\xff', '\0', '__proto__']
/** The last is never granted. */
const LEASES = ['7', '8', '-3', '9223372036854775807', '5']
const key = fc.constantFrom(...KEYS)
const end = fc.constantFrom('', '', '\0', ...KEYS)
const value = fc.constantFrom('', 'x', 'y', 'yy', '\xff\0')
const flag = fc.boolean()
const rarely = fc.nat(9).map((n) => n === 0)
const revision = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.integer({ min: -2, max: 25 }) },
)
const bound = fc.oneof(
  { weight: 5, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 15 }) },
)

const puts = fc
  .record({
    key,
    value,
    prevKv: flag,
    ignoreValue: rarely,
    ignoreLease: rarely,
    lease: fc.oneof(
      { weight: 5, arbitrary: fc.constant('0') },
      { weight: 3, arbitrary: fc.constantFrom(...LEASES) },
    ),
  })
  .map((p) => put(p.ignoreValue ? { ...p, value: '' } : p))

const ranges = fc
  .record({
    key,
    rangeEnd: end,
    limit: fc.integer({ min: -1, max: 4 }),
    revision,
    sortOrder: fc.integer({ min: 0, max: 2 }) as fc.Arbitrary<0 | 1 | 2>,
    sortTarget: fc.integer({ min: 0, max: 4 }) as fc.Arbitrary<0 | 1 | 2 | 3 | 4>,
    keysOnly: rarely,
    countOnly: rarely,
    minModRevision: bound,
    maxModRevision: bound,
    minCreateRevision: bound,
    maxCreateRevision: bound,
  })
  .map((r) => range(r))

const deletes = fc.record({ key, rangeEnd: end, prevKv: flag }).map((d) => del(d))

const number = fc.integer({ min: 0, max: 12 })
const compares = fc
  .record({
    key,
    rangeEnd: end,
    result: fc.integer({ min: 0, max: 3 }) as fc.Arbitrary<0 | 1 | 2 | 3>,
    target: fc.integer({ min: 0, max: 4 }) as fc.Arbitrary<0 | 1 | 2 | 3 | 4>,
    union: fc.oneof(
      number.map((n) => ({ $case: 'version', value: n }) as const),
      number.map((n) => ({ $case: 'createRevision', value: n }) as const),
      number.map((n) => ({ $case: 'modRevision', value: n }) as const),
      value.map(
        (v) => ({ $case: 'value', value: new Uint8Array(Buffer.from(v, 'latin1')) }) as const,
      ),
      number.map((n) => ({ $case: 'lease', value: String(n) }) as const),
      fc.constant(undefined),
    ),
  })
  .map(({ union, ...c }) => compare({ ...c, targetUnion: union }))

const ops: fc.Arbitrary<RequestOp> = fc.letrec<{ op: RequestOp }>((tie) => ({
  op: fc.oneof(
    { maxDepth: 3 },
    puts.map((p) => op.put(p)),
    ranges.map((r) => op.range(r)),
    deletes.map((d) => op.del(d)),
    fc
      .record({
        compare: fc.array(compares, { maxLength: 1 }),
        success: fc.array(tie('op'), { maxLength: 2 }),
        failure: fc.array(tie('op'), { maxLength: 2 }),
      })
      .map((x) => op.txn(x)),
  ),
})).op

const txns = fc
  .record({
    compare: fc.array(compares, { maxLength: 2 }),
    success: fc.array(ops, { maxLength: 3 }),
    failure: fc.array(ops, { maxLength: 3 }),
  })
  .map((x) => txn(x))

const leaseId = fc.constantFrom(...LEASES)
const granted = fc.constantFrom(...LEASES.slice(0, -1))
const ttl = fc.constantFrom('-1', '0', '2', '3', '5', '9', '9000000001', '9223372036854775807')
const leases: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(granted, ttl).map(([id, s]) => command.grant(id, s)) },
  { weight: 2, arbitrary: leaseId.map(command.revoke) },
  {
    weight: 3,
    arbitrary: fc.array(leaseId, { maxLength: 4 }).map((ids) => command.keepAlive(...ids)),
  },
  { weight: 2, arbitrary: fc.tuple(leaseId, flag).map(([id, k]) => command.timeToLive(id, k)) },
  { weight: 1, arbitrary: fc.constant(command.leases()) },
)

export const commands: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 6, arbitrary: puts.map(command.put) },
  { weight: 3, arbitrary: deletes.map(command.del) },
  { weight: 4, arbitrary: ranges.map(command.range) },
  { weight: 6, arbitrary: txns.map(command.txn) },
  { weight: 3, arbitrary: fc.integer({ min: -1, max: 25 }).map((r) => command.compact(r)) },
  { weight: 6, arbitrary: leases },
)

/** What a host does in between. */
export type Step =
  | { readonly type: 'command'; readonly bytes: Uint8Array }
  /** Time passes, and an entry without commands tells of it. */
  | { readonly type: 'time'; readonly ms: number }
  | { readonly type: 'collect'; readonly events: number }
  | { readonly type: 'restore' }

export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: commands.map((bytes) => ({ type: 'command', bytes }) as const) },
    {
      weight: 2,
      arbitrary: fc
        .integer({ min: 1, max: 6 })
        .map((n) => ({ type: 'collect', events: n }) as const),
    },
    {
      weight: 3,
      arbitrary: fc
        .constantFrom(1, 999, 1000, 2000, 4500)
        .map((ms) => ({ type: 'time', ms }) as const),
    },
    { weight: 1, arbitrary: fc.constant({ type: 'restore' } as const) },
  ),
  { minLength: 10, maxLength: 70, size: 'max' },
)
