/** Transactions, as they are written down: compare, then one of two lists. */
import type {
  Compare,
  RangeRequest,
  RequestOp,
  TxnRequest,
  TxnResponse,
} from '../../gen/etcd/api/etcdserverpb/rpc.js'
import * as kv from '../kv.js'
import type { Repeat } from './calls.js'

export type Comparator = '=' | '!=' | '<' | '>'

const RESULTS: { readonly [K in Comparator]: Compare['result'] } = {
  '=': 0,
  '>': 1,
  '<': 2,
  '!=': 3,
}

/** A range instead of one key: every key there must satisfy it. */
export type CompareSpan = Pick<kv.RangeOptions, 'prefix' | 'rangeEnd'>

/**
 * What must hold. A key that is not there has version, create and mod revision 0, and no value: a comparison of its
 * value fails, also an unequal one (etcd's rule).
 */
export const compare = {
  value: (key: kv.Bytes, is: Comparator, value: kv.Bytes, span?: CompareSpan): Compare =>
    made(key, is, 3, { $case: 'value', value: kv.toBytes(value) }, span),
  version: (key: kv.Bytes, is: Comparator, version: number, span?: CompareSpan): Compare =>
    made(key, is, 0, { $case: 'version', value: version }, span),
  createRevision: (key: kv.Bytes, is: Comparator, revision: number, span?: CompareSpan): Compare =>
    made(key, is, 1, { $case: 'createRevision', value: revision }, span),
  modRevision: (key: kv.Bytes, is: Comparator, revision: number, span?: CompareSpan): Compare =>
    made(key, is, 2, { $case: 'modRevision', value: revision }, span),
  lease: (key: kv.Bytes, is: Comparator, lease: string, span?: CompareSpan): Compare =>
    made(key, is, 4, { $case: 'lease', value: lease }, span),
} as const

function made(
  key: kv.Bytes,
  is: Comparator,
  target: Compare['target'],
  targetUnion: Compare['targetUnion'],
  span: CompareSpan = {},
): Compare {
  const { key: from, rangeEnd }: Pick<RangeRequest, 'key' | 'rangeEnd'> = kv.rangeRequest(key, span)
  return { result: RESULTS[is], target, key: from, targetUnion, rangeEnd }
}

/** What is done. */
export const op = {
  put: (key: kv.Bytes, value: kv.Bytes, options?: kv.PutOptions): RequestOp => ({
    request: { $case: 'requestPut', value: kv.putRequest(key, value, options) },
  }),
  get: (key: kv.Bytes, options?: kv.RangeOptions): RequestOp => ({
    request: { $case: 'requestRange', value: kv.rangeRequest(key, options) },
  }),
  delete: (key: kv.Bytes, options?: kv.DeleteOptions): RequestOp => ({
    request: { $case: 'requestDeleteRange', value: kv.deleteRequest(key, options) },
  }),
  /** A transaction within: it sees what came before it in the list. */
  txn: (inner: Txn): RequestOp => ({ request: { $case: 'requestTxn', value: inner.request } }),
} as const

/**
 * Grows by `if`, `success`, `failure`, each giving a new one; `commit` runs it, in one revision. There is no `then`:
 * whatever has one is awaited by mistake.
 */
export class Txn {
  readonly request: TxnRequest
  readonly #run: (request: TxnRequest) => Promise<TxnResponse>

  constructor(
    run: (request: TxnRequest) => Promise<TxnResponse>,
    request: TxnRequest = { compare: [], success: [], failure: [] },
  ) {
    this.#run = run
    this.request = request
  }

  /** All of them must hold. */
  if(...compares: readonly Compare[]): Txn {
    return this.#with({ compare: [...this.request.compare, ...compares] })
  }

  /** What is done when they hold. */
  success(...operations: readonly RequestOp[]): Txn {
    return this.#with({ success: [...this.request.success, ...operations] })
  }

  /** What is done when one does not. */
  failure(...operations: readonly RequestOp[]): Txn {
    return this.#with({ failure: [...this.request.failure, ...operations] })
  }

  commit(): Promise<TxnResponse> {
    return this.#run(this.request)
  }

  #with(part: Partial<TxnRequest>): Txn {
    return new Txn(this.#run, { ...this.request, ...part })
  }
}

/** A transaction that only reads may be repeated whatever happened. */
export function repeatOf(request: TxnRequest): Repeat {
  const reads = [...request.success, ...request.failure].every(({ request: one }) => {
    if (one?.$case === 'requestTxn') return repeatOf(one.value) === 'read'
    return one === undefined || one.$case === 'requestRange'
  })
  return reads ? 'read' : 'write'
}
