import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PutResponse, RangeResponse } from '../../../../src/gen/etcd/api/etcdserverpb/rpc.js'
import { Headers } from '../../../../src/server/etcd/header.js'
import { etcdIds } from '../../../../src/server/etcd/ids.js'

const IDS = { cluster: '18446744073709551615', member: '9007199254740993' }

describe('the header of a response', () => {
  it('gets who answers, whatever the machine wrote behind the revision', () => {
    const revision = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.maxSafeNat())
    fc.assert(
      fc.property(revision, fc.maxSafeNat(), fc.uint8Array(), (rev, term, value) => {
        const kv = { key: value, createRevision: 1, modRevision: 2, version: 1, value, lease: '0' }
        const rest = { kvs: [kv], more: true, count: 7 }
        const own = { clusterId: '0', memberId: '0', revision: rev, raftTerm: 0 }
        const machine = RangeResponse.encode({ header: own, ...rest }).finish()
        const complete = new Headers(IDS, () => term).complete(machine)
        const header = {
          clusterId: IDS.cluster,
          memberId: IDS.member,
          revision: rev,
          raftTerm: term,
        }
        expect(RangeResponse.decode(complete)).toEqual({ header, ...rest })
      }),
    )
  })

  it('is made where the machine wrote none', () => {
    const complete = new Headers(IDS, () => 3).complete(new Uint8Array(0))
    const header = { clusterId: IDS.cluster, memberId: IDS.member, revision: 0, raftTerm: 3 }
    expect(PutResponse.decode(complete)).toEqual({ header, prevKv: undefined })
  })
})

describe('ids', () => {
  const members = [
    { name: 'n1', address: '127.0.0.1:1' },
    { name: 'n2', address: '127.0.0.1:2' },
  ]

  it('are the same on every node, whatever the order, and other than those of another cluster', () => {
    const one = etcdIds('token', members)
    const two = etcdIds('token', [...members].reverse())
    expect(two.cluster).toBe(one.cluster)
    expect(two.memberOf('n1')).toBe(one.memberOf('n1'))
    expect(one.memberOf('n1')).not.toBe(one.memberOf('n2'))
    expect(etcdIds('other', members).cluster).not.toBe(one.cluster)
    expect(etcdIds('other', members).memberOf('n1')).not.toBe(one.memberOf('n1'))
  })

  it('lead back to the names of members only', () => {
    const ids = etcdIds('token', members)
    expect(ids.nameOf(ids.memberOf('n2'))).toBe('n2')
    expect(ids.nameOf('12345')).toBeNull()
    expect(ids.memberOf('stranger')).toBe('0')
  })
})
