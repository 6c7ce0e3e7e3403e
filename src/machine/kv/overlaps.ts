/**
 * A transaction is one revision, so no key may be put twice in it, or put and deleted (etcd's
 * `checkIntervals`). Branches that exclude each other may put the same key. Two deletions may overlap.
 *
 * Sorted, disjoint intervals keep this near n log n: a transaction of 1.5 MiB holds 10^5 nested operations,
 * and comparing each put with each deletion would stop every node for seconds.
 */
import { latin1Decode } from '../../base/latin1.js'
import type { RequestOp } from '../../gen/etcd/api/etcdserverpb/rpc.js'
import { KV_ERRORS, type KvError } from './errors.js'

/** Keys from `low` on, below `high`. */
interface Interval {
  readonly low: string
  readonly high: string
}

interface Writes {
  readonly puts: Set<string>
  /** Sorted and disjoint. */
  deletes: Interval[]
}

/** Null when no key is written twice. */
export function checkOverlaps(ops: readonly RequestOp[]): KvError | null {
  return collect(ops) === null ? KV_ERRORS.duplicateKey : null
}

/** Null when a key is written twice. */
function collect(ops: readonly RequestOp[]): Writes | null {
  const writes: Writes = { puts: new Set(), deletes: union(ownDeletes(ops)) }
  for (const op of ops) {
    if (op.request?.$case !== 'requestTxn') continue
    const success = collect(op.request.value.success)
    const failure = success === null ? null : collect(op.request.value.failure)
    if (success === null || failure === null) return null
    for (const key of success.puts) if (!addPut(writes, key)) return null
    for (const key of failure.puts) {
      // The other branch's put of the same key never runs together with this one.
      if (success.puts.has(key)) continue
      if (!addPut(writes, key)) return null
    }
    // As etcd does it: a later sibling's deletion is not held against an earlier sibling's put.
    const nested = [...success.deletes, ...failure.deletes]
    if (nested.length > 0) writes.deletes = union([...writes.deletes, ...nested])
  }
  for (const op of ops) {
    if (op.request?.$case !== 'requestPut') continue
    if (!addPut(writes, latin1Decode(op.request.value.key))) return null
  }
  return writes
}

function addPut(writes: Writes, key: string): boolean {
  if (writes.puts.has(key) || covers(writes.deletes, key)) return false
  writes.puts.add(key)
  return true
}

/**
 * A deletion "from the key on" (range_end of one zero byte) is held against no put: etcd compares the zero
 * byte as if it were an end like any other. Then a key has two events in one revision, which the store bears.
 */
function ownDeletes(ops: readonly RequestOp[]): Interval[] {
  const out: Interval[] = []
  for (const op of ops) {
    if (op.request?.$case !== 'requestDeleteRange') continue
    const low = latin1Decode(op.request.value.key)
    const end = latin1Decode(op.request.value.rangeEnd)
    const high = end === '' ? `${low}\0` : end
    if (low < high) out.push({ low, high })
  }
  return out
}

function union(intervals: Interval[]): Interval[] {
  intervals.sort((a, b) => (a.low < b.low ? -1 : a.low > b.low ? 1 : 0))
  const out: Interval[] = []
  for (const next of intervals) {
    const last = out[out.length - 1]
    if (last === undefined || last.high < next.low) out.push(next)
    else if (next.high > last.high) out[out.length - 1] = { low: last.low, high: next.high }
  }
  return out
}

function covers(intervals: readonly Interval[], key: string): boolean {
  let low = 0
  let high = intervals.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((intervals[middle] as Interval).low <= key) low = middle + 1
    else high = middle
  }
  const found = intervals[low - 1]
  return found !== undefined && key < found.high
}
