/**
 * etcd's rules, as plainly as they can be put: all events in one array, every read a walk over it. Slow, and
 * written without a look at the store that it is held against.
 */
import type {
  CompactionRequest,
  Compare,
  DeleteRangeRequest,
  LeaseGrantRequest,
  LeaseRevokeRequest,
  LeaseTimeToLiveRequest,
  PutRequest,
  RangeRequest,
  RequestOp,
  ResponseOp,
  TxnRequest,
} from '../../../src/gen/etcd/api/etcdserverpb/rpc.js'
import type { KeyValue } from '../../../src/gen/etcd/api/mvccpb/kv.js'

export interface ModelEvent {
  rev: number
  key: string
  kv: KeyValue | null
}

export class ModelError extends Error {}

const COMPACTED = 'etcdserver: mvcc: required revision has been compacted'
const FUTURE = 'etcdserver: mvcc: required revision is a future revision'
const KEY_NOT_FOUND = 'etcdserver: key not found'
const LEASE_NOT_FOUND = 'etcdserver: requested lease not found'

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')
const header = (revision: number) => ({ clusterId: '0', memberId: '0', revision, raftTerm: 0 })

export class Model {
  events: ModelEvent[] = []
  rev = 1
  compacted = -1
  pending: ModelEvent[] = []
  leases = new Map<string, { ttl: number; deadline: number }>()
  time = 0

  /** Keys as of a revision, in bytewise order. */
  at(rev: number): KeyValue[] {
    const state = new Map<string, KeyValue>()
    for (const e of [...this.events, ...this.pending]) {
      if (e.rev > rev) continue
      if (e.kv === null) state.delete(e.key)
      else state.set(e.key, e.kv)
    }
    return [...state.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, kv]) => kv)
  }

  visible(): number {
    return this.rev + (this.pending.length > 0 ? 1 : 0)
  }

  select(rev: number, key: Uint8Array, end: Uint8Array): KeyValue[] {
    const low = text(key)
    const high = text(end)
    return this.at(rev).filter((kv) => {
      const k = text(kv.key)
      if (high === '') return k === low
      return k >= low && (high === '\0' || k < high)
    })
  }

  range(r: RangeRequest) {
    if (r.revision > this.visible()) throw new ModelError(FUTURE)
    const rev = r.revision <= 0 ? this.visible() : r.revision
    if (rev < this.compacted) throw new ModelError(COMPACTED)
    const all = this.select(rev, r.key, r.rangeEnd)
    const response = {
      header: header(this.visible()),
      kvs: [] as KeyValue[],
      more: false,
      count: all.length,
    }
    if (r.countOnly) return response
    const filters = [r.minModRevision, r.maxModRevision, r.minCreateRevision, r.maxCreateRevision]
    const sortsOrFilters = r.sortOrder !== 0 || filters.some((f) => f !== 0)
    let kvs = r.limit > 0 && !sortsOrFilters ? all.slice(0, r.limit + 1) : all
    kvs = kvs.filter(
      (kv) =>
        !(r.maxModRevision !== 0 && kv.modRevision > r.maxModRevision) &&
        !(r.minModRevision !== 0 && kv.modRevision < r.minModRevision) &&
        !(r.maxCreateRevision !== 0 && kv.createRevision > r.maxCreateRevision) &&
        !(r.minCreateRevision !== 0 && kv.createRevision < r.minCreateRevision),
    )
    const by: ((a: KeyValue, b: KeyValue) => number)[] = [
      (a, b) => Buffer.compare(a.key, b.key),
      (a, b) => a.version - b.version,
      (a, b) => a.createRevision - b.createRevision,
      (a, b) => a.modRevision - b.modRevision,
      (a, b) => Buffer.compare(a.value, b.value),
    ]
    const order = by[r.sortTarget]!
    kvs = [...kvs].sort((a, b) => (r.sortOrder === 2 ? order(b, a) : order(a, b)))
    if (r.limit > 0 && kvs.length > r.limit) {
      kvs = kvs.slice(0, r.limit)
      response.more = true
    }
    response.kvs = kvs.map((kv) => (r.keysOnly ? { ...kv, value: new Uint8Array(0) } : kv))
    return response
  }

  checkPut(p: PutRequest, inTxn: boolean): void {
    const exists = this.select(this.visible(), p.key, new Uint8Array(0)).length > 0
    const errors: string[] = []
    if (p.lease !== '0' && !this.leases.has(p.lease)) errors.push(LEASE_NOT_FOUND)
    if ((p.ignoreValue || p.ignoreLease) && !exists) errors.push(KEY_NOT_FOUND)
    const first = inTxn ? errors.at(-1) : errors[0]
    if (first !== undefined) throw new ModelError(first)
  }

  put(p: PutRequest) {
    const before = this.select(this.visible(), p.key, new Uint8Array(0))[0]
    const rev = this.rev + 1
    const kv: KeyValue = {
      key: p.key,
      createRevision: before?.createRevision ?? rev,
      modRevision: rev,
      version: (before?.version ?? 0) + 1,
      value: p.ignoreValue ? before!.value : p.value,
      lease: p.ignoreLease ? before!.lease : p.lease,
    }
    this.pending.push({ rev, key: text(p.key), kv })
    return { header: header(this.visible()), prevKv: p.prevKv ? before : undefined }
  }

  deleteRange(d: DeleteRangeRequest) {
    const found = this.select(this.visible(), d.key, d.rangeEnd)
    for (const kv of found) this.pending.push({ rev: this.rev + 1, key: text(kv.key), kv: null })
    return { header: header(this.visible()), deleted: found.length, prevKvs: d.prevKv ? found : [] }
  }

  compact(c: CompactionRequest) {
    if (c.revision <= this.compacted) throw new ModelError(COMPACTED)
    if (c.revision > this.rev) throw new ModelError(FUTURE)
    this.compacted = c.revision
    return { header: header(this.rev) }
  }

  /** Leases in the order in which they expire. */
  expiring(): string[] {
    return [...this.leases.keys()].sort((a, b) => {
      const difference = this.leases.get(a)!.deadline - this.leases.get(b)!.deadline
      return difference !== 0 ? difference : BigInt(a) < BigInt(b) ? -1 : 1
    })
  }

  attached(id: string): KeyValue[] {
    return this.at(this.visible()).filter((kv) => kv.lease === id)
  }

  end(id: string): void {
    for (const kv of this.attached(id))
      this.pending.push({ rev: this.rev + 1, key: text(kv.key), kv: null })
    this.leases.delete(id)
  }

  /** Gives how many leases expired. */
  advance(ms: number): number {
    this.time += ms
    const due = this.expiring().filter((id) => this.leases.get(id)!.deadline <= this.time)
    for (const id of due) {
      this.end(id)
      this.commit()
    }
    return due.length
  }

  grant({ ID, TTL }: LeaseGrantRequest) {
    if (this.leases.has(ID)) throw new ModelError('etcdserver: lease already exists')
    const ttl = Math.max(2, Number(TTL))
    this.leases.set(ID, { ttl, deadline: this.time + ttl * 1000 })
    return { header: header(this.rev), ID, TTL: ttl, error: '' }
  }

  revoke({ ID }: LeaseRevokeRequest) {
    if (!this.leases.has(ID)) throw new ModelError(LEASE_NOT_FOUND)
    this.end(ID)
    return { header: header(this.visible()) }
  }

  keepAlive(ids: string[]) {
    const ttls = ids.map((id) => {
      const lease = this.leases.get(id)
      if (lease !== undefined) lease.deadline = this.time + lease.ttl * 1000
      return lease?.ttl ?? 0
    })
    return { header: header(this.rev), ttls }
  }

  listLeases() {
    return { header: header(this.rev), leases: this.expiring().map((ID) => ({ ID })) }
  }

  timeToLive({ ID, keys }: LeaseTimeToLiveRequest) {
    const lease = this.leases.get(ID)
    return {
      header: header(this.rev),
      ID,
      TTL: lease === undefined ? -1 : Math.floor((lease.deadline - this.time) / 1000),
      grantedTTL: lease?.ttl ?? 0,
      keys: lease !== undefined && keys ? this.attached(ID).map((kv) => kv.key) : [],
    }
  }

  holds(c: Compare): boolean {
    const found = this.select(this.rev, c.key, c.rangeEnd)
    if (found.length === 0) return c.target !== 3 && this.compare(c, undefined)
    return found.every((kv) => this.compare(c, kv))
  }

  compare(c: Compare, kv: KeyValue | undefined): boolean {
    const u = c.targetUnion
    const sign = (a: number, b: number) => Math.sign(a - b)
    const order = [
      () => sign(kv?.version ?? 0, u?.$case === 'version' ? u.value : 0),
      () => sign(kv?.createRevision ?? 0, u?.$case === 'createRevision' ? u.value : 0),
      () => sign(kv?.modRevision ?? 0, u?.$case === 'modRevision' ? u.value : 0),
      () =>
        Buffer.compare(
          kv?.value ?? new Uint8Array(0),
          u?.$case === 'value' ? u.value : new Uint8Array(0),
        ),
      () => sign(Number(kv?.lease ?? '0'), u?.$case === 'lease' ? Number(u.value) : 0),
    ][c.target]!()
    return [order === 0, order > 0, order < 0, order !== 0][c.result]!
  }

  txn(t: TxnRequest) {
    const decided = new Map<TxnRequest, boolean>()
    const decide = (txn: TxnRequest): void => {
      decided.set(
        txn,
        txn.compare.every((c) => this.holds(c)),
      )
      for (const op of decided.get(txn) ? txn.success : txn.failure)
        if (op.request?.$case === 'requestTxn') decide(op.request.value)
    }
    decide(t)
    const chosen = (txn: TxnRequest): RequestOp[] => (decided.get(txn) ? txn.success : txn.failure)
    const each = (txn: TxnRequest, check: (op: RequestOp) => void): void => {
      for (const op of chosen(txn)) {
        if (op.request?.$case === 'requestTxn') each(op.request.value, check)
        else check(op)
      }
    }
    let openFrom: string | null = null
    each(t, (op) => {
      if (op.request?.$case === 'requestDeleteRange' && text(op.request.value.rangeEnd) === '\0') {
        const key = text(op.request.value.key)
        if (openFrom === null || key < openFrom) openFrom = key
      }
      if (op.request?.$case !== 'requestPut') return
      const p = op.request.value
      if ((p.ignoreValue || p.ignoreLease) && openFrom !== null && text(p.key) >= openFrom)
        throw new ModelError(KEY_NOT_FOUND)
      this.checkPut(p, true)
    })
    each(t, (op) => {
      if (op.request?.$case !== 'requestRange') return
      const rev = op.request.value.revision
      if (rev === 0) return
      if (rev > this.rev) throw new ModelError(FUTURE)
      if (rev < this.compacted) throw new ModelError(COMPACTED)
    })
    const run = (txn: TxnRequest): ResponseOp[] =>
      chosen(txn).map((op): ResponseOp => {
        const r = op.request
        switch (r?.$case) {
          case 'requestRange':
            return { response: { $case: 'responseRange', value: this.range(r.value) } }
          case 'requestPut':
            return { response: { $case: 'responsePut', value: this.put(r.value) } }
          case 'requestDeleteRange':
            return { response: { $case: 'responseDeleteRange', value: this.deleteRange(r.value) } }
          case 'requestTxn': {
            const responses = run(r.value)
            const value = { header: header(0), succeeded: decided.get(r.value)!, responses }
            return { response: { $case: 'responseTxn', value } }
          }
          default:
            throw new Error('an operation without a request was let through')
        }
      })
    const responses = run(t)
    return { header: header(this.visible()), succeeded: decided.get(t)!, responses }
  }

  commit(): void {
    if (this.pending.length > 0) this.rev++
    this.events.push(...this.pending)
    this.pending = []
  }
}
