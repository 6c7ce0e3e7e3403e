/** What may be tried again, by what a member or the transport says. */
import { expect, it } from 'vitest'
import { failureOf } from '../../../src/client/etcd/retry.js'
import { compare, op, repeatOf, Txn } from '../../../src/client/etcd/txn.js'
import { Code, RpcError } from '../../../src/rpc/status.js'

const CASES: readonly (readonly [Code, string, string])[] = [
  [Code.UNAVAILABLE, 'No connection established. Last error: ECONNREFUSED', 'NotExecuted'],
  [Code.UNAVAILABLE, 'etcdserver: no leader', 'NotExecuted'],
  [Code.UNAVAILABLE, 'etcdserver: request timed out', 'Unknown'],
  [Code.UNAVAILABLE, 'etcdserver: leader changed', 'Unknown'],
  [Code.UNAVAILABLE, 'Connection dropped', 'Unknown'],
  [Code.DEADLINE_EXCEEDED, 'Deadline exceeded after 5s', 'Unknown'],
  [Code.CANCELLED, 'cancelled', 'Unknown'],
  [Code.RESOURCE_EXHAUSTED, 'etcdserver: too many requests', 'NotExecuted'],
  [Code.RESOURCE_EXHAUSTED, 'etcdserver: mvcc: database space exceeded', 'Refused'],
  [Code.INVALID_ARGUMENT, 'etcdserver: key is not provided', 'Refused'],
  [Code.NOT_FOUND, 'etcdserver: requested lease not found', 'Refused'],
  [Code.OUT_OF_RANGE, 'etcdserver: mvcc: required revision has been compacted', 'Refused'],
  [Code.PERMISSION_DENIED, 'etcdserver: permission denied', 'Refused'],
]

it.each(CASES)('code %i, %s: %s', (code, text, type) => {
  expect(failureOf(new RpcError(code, text), 'n1').type).toBe(type)
})

it('a transaction that only reads is repeated as a read, one that may write is not', () => {
  const run = () => Promise.reject(new Error('not run'))
  const reads = new Txn(run).if(compare.version('k', '>', 0)).success(op.get('k'))
  expect(repeatOf(reads.request)).toBe('read')
  expect(repeatOf(new Txn(run).success(op.txn(reads)).request)).toBe('read')
  expect(repeatOf(reads.failure(op.delete('k')).request)).toBe('write')
  expect(
    repeatOf(new Txn(run).failure(op.txn(new Txn(run).success(op.put('k', 'v')))).request),
  ).toBe('write')
})
