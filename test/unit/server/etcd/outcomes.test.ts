/** What a request's own fate in the cluster is called in etcd's API: texts and codes that clients match. */
import { describe, expect, it } from 'vitest'
import {
  etcdElection,
  etcdKv,
  etcdLease,
  etcdLock,
  etcdMaintenance,
} from '../../../../src/rpc/etcd-services.js'
import { b, command, put, range, txn } from '../../machine/helpers.js'
import { refusal } from './member.js'
import { servedMember } from './served.js'

const at = servedMember()

const asked = (bytes: Uint8Array) => bytes.subarray(1)
const place = { name: b('n'), lease: '0', value: b('v') }

/** Every way to the log, and the linearizable read. */
const CALLS: readonly [string, () => Promise<unknown>][] = [
  ['Put', () => at.channel.unary(etcdKv.put, asked(command.put(put({ key: 'a' }))))],
  ['Txn', () => at.channel.unary(etcdKv.txn, asked(command.txn(txn({ success: [] }))))],
  ['Compact', () => at.channel.unary(etcdKv.compact, asked(command.compact(1)))],
  ['Range', () => at.channel.unary(etcdKv.range, asked(command.range(range({ key: 'a' }))))],
  ['LeaseGrant', () => at.channel.unary(etcdLease.grant, asked(command.grant('7', '10')))],
  ['LeaseRevoke', () => at.channel.unary(etcdLease.revoke, asked(command.revoke('7')))],
  ['Lock', () => at.channel.unary(etcdLock.lock, place)],
  ['Campaign', () => at.channel.unary(etcdElection.campaign, place)],
]

describe('a request that is not executed, or nobody knows', () => {
  it.each([
    // Nothing happened.
    [{ type: 'NotLeader', leader: null }, '14 etcdserver: no leader'],
    [{ type: 'Overloaded', reason: 'busy' }, '8 etcdserver: too many requests'],
    [{ type: 'Overloaded', reason: 'no space' }, '8 etcdserver: mvcc: database space exceeded'],
    // It may have happened, which is what etcd means by it, and its clients know.
    [{ type: 'Indeterminate', reason: 'deposed' }, '14 etcdserver: request timed out'],
  ] as const)('%o', async (outcome, told) => {
    at.member.refuses = outcome
    for (const [name, call] of CALLS) {
      // Answered by the member alone: it has no operation that anybody would have to order.
      if (name === 'Txn') await call()
      else expect([name, await refusal(call())]).toEqual([name, told])
    }
    const serializable = asked(command.range(range({ key: 'a', serializable: true })))
    await at.channel.unary(etcdKv.range, serializable)
    await at.channel.unary(etcdMaintenance.status, {})
    expect(at.member.kv.revision).toBe(1)
  })

  it('a keep-alive stream ends with the same', async () => {
    at.member.refuses = { type: 'Indeterminate', reason: 'deposed' }
    const ended = new Promise((resolve) => {
      const stream = at.channel.stream(etcdLease.keepAlive)
      stream.onClose(resolve)
      stream.write({ ID: '7' })
    })
    expect(await ended).toMatchObject({ code: 14, message: 'etcdserver: request timed out' })
  })
})
