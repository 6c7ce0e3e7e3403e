/** Range, as etcd serves it: limits before sorts, counts before filters. */
import { compareBytes } from '../../base/bytes.js'
import { latin1Decode } from '../../base/latin1.js'
import type { RangeRequest } from '../../gen/etcd/api/etcdserverpb/rpc.js'
import { KV_ERRORS, type KvError } from './errors.js'
import type { Version } from './history.js'
import { type Reply, sized } from './replies.js'
import type { KeyRange, Store } from './store.js'

const SORT_NONE = 0
const SORT_DESCEND = 2
const BY_KEY = 0

/** etcd's reading of (key, range_end): '' is the key alone, one zero byte is without end. */
export function keyRange(key: Uint8Array, rangeEnd: Uint8Array): KeyRange {
  const end = latin1Decode(rangeEnd)
  return { key: latin1Decode(key), end: end === '\0' ? null : end }
}

/** What the state says against reading at this revision; 0 or less is now. */
export function checkReadRevision(store: Store, revision: number): KvError | null {
  if (revision > store.visibleRevision) return KV_ERRORS.futureRevision
  if (revision > 0 && revision < store.compactRevision) return KV_ERRORS.compacted
  return null
}

/** The request has passed `checkReadRevision`. */
export function runRange(store: Store, request: RangeRequest): Reply {
  store.counts.ranges++
  return readRange(store, request)
}

/** As it would be answered, uncounted. */
export function readRange(store: Store, request: RangeRequest): Reply {
  const visible = store.visibleRevision
  const revision = request.revision > 0 ? request.revision : visible
  const filtered =
    request.minModRevision !== 0 ||
    request.maxModRevision !== 0 ||
    request.minCreateRevision !== 0 ||
    request.maxCreateRevision !== 0
  // With an order or a filter all is fetched, then cut. (A target without an order sorts only what the
  // limit let through: so does etcd.) One more than asked for tells `more`.
  const everything = filtered || request.sortOrder !== SORT_NONE || request.limit <= 0
  const fetchMax = request.countOnly ? 0 : everything ? Number.POSITIVE_INFINITY : request.limit + 1
  let kvs: Version[] = []
  let count = 0
  store.scan(keyRange(request.key, request.rangeEnd), revision, (version) => {
    if (count++ < fetchMax) kvs.push(version)
    return true
  })
  if (filtered) kvs = kvs.filter((kv) => passes(request, kv))
  sort(kvs, request)
  const more = request.limit > 0 && kvs.length > request.limit
  if (more) kvs.length = request.limit
  const keysOnly = request.keysOnly
  return sized({ type: 'Range', revision: visible, kvs, keysOnly, more, count })
}

function passes(request: RangeRequest, kv: Version): boolean {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request
  if (maxModRevision !== 0 && kv.mod > maxModRevision) return false
  if (minModRevision !== 0 && kv.mod < minModRevision) return false
  if (maxCreateRevision !== 0 && kv.create > maxCreateRevision) return false
  return !(minCreateRevision !== 0 && kv.create < minCreateRevision)
}

/** In place. Equal ones stay in the order of their keys. */
function sort(kvs: Version[], request: RangeRequest): void {
  const descending = request.sortOrder === SORT_DESCEND
  if (request.sortTarget === BY_KEY) {
    if (descending) kvs.reverse()
    return
  }
  const sign = descending ? -1 : 1
  switch (request.sortTarget) {
    case 1:
      kvs.sort((a, b) => sign * (a.version - b.version))
      return
    case 2:
      kvs.sort((a, b) => sign * (a.create - b.create))
      return
    case 3:
      kvs.sort((a, b) => sign * (a.mod - b.mod))
      return
    case 4:
      kvs.sort((a, b) => sign * compareBytes(a.value, b.value))
  }
}
