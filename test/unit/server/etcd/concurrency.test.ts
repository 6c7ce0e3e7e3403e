/** Locks and elections as etcd's clients see them. */
import { describe, expect, it } from 'vitest'
import type { LeaderResponse } from '../../../../src/gen/etcd/api/v3electionpb/v3election.js'
import { etcdElection, etcdLock } from '../../../../src/rpc/etcd-services.js'
import { b, command, t } from '../../machine/helpers.js'
import { refusal } from './member.js'
import { servedMember } from './served.js'

const at = servedMember((member) => {
  for (const id of ['1', '2', '3', '-30']) member.apply(command.grant(id, 60))
})

const TIMEOUT = { timeoutMs: 5_000 }
const lock = (name: string, lease: string, options = TIMEOUT) =>
  at.channel.unary(etcdLock.lock, { name: b(name), lease }, options)
const unlock = (key: Uint8Array) => at.channel.unary(etcdLock.unlock, { key }, TIMEOUT)

/** A promise that says whether it has ended. */
function watched<T>(promise: Promise<T>): { promise: Promise<T>; ended: () => boolean } {
  let ended = false
  const done = () => {
    ended = true
  }
  promise.then(done, done)
  return { promise, ended: () => ended }
}

/** Until the lease's key is there: then its owner waits. */
async function waits(key: string): Promise<void> {
  await expect
    .poll(() => at.member.kv.eventsSince(1, 999)?.some((e) => e.history.key === key))
    .toBe(true)
}

describe('locks', () => {
  it('one holds it at a time, in the order in which they came', async () => {
    const first = await lock('l', '1')
    expect(t(first.key)).toBe('l/1')
    // Again under the same lease: it is held.
    expect(t((await lock('l', '1')).key)).toBe('l/1')
    const second = watched(lock('l', '2'))
    await waits('l/2')
    const third = watched(lock('l', '3'))
    await waits('l/3')
    expect([second.ended(), third.ended()]).toEqual([false, false])
    await unlock(first.key)
    expect(t((await second.promise).key)).toBe('l/2')
    expect(third.ended()).toBe(false)
    await unlock(b('l/2'))
    const { key, header } = await third.promise
    expect([t(key), header?.revision]).toEqual(['l/3', 6])
  })

  it('a lease that ends passes the lock on; who waited himself is told', async () => {
    at.member.apply(command.grant('7', 5))
    at.member.apply(command.grant('8', 5))
    await lock('l', '7')
    const late = refusal(lock('l', '8'))
    await waits('l/8')
    const second = lock('l', '2')
    await waits('l/2')
    at.member.apply(command.revoke('8'))
    expect(await late).toBe('2 mutex: session is expired')
    at.member.at(5_000)
    expect(t((await second).key)).toBe('l/2')
  })

  it('who goes away while he waits leaves nothing behind', async () => {
    await lock('l', '1')
    expect(await refusal(lock('l', '2', { timeoutMs: 50 }))).toMatch(/^4 /)
    const third = lock('l', '3')
    await waits('l/3')
    await unlock(b('l/1'))
    expect(t((await third).key)).toBe('l/3')
    const { revision } = at.member.kv
    const left = at.member.kv.eventsSince(2, 99)?.filter((e) => e.history.key === 'l/2')
    expect([left?.length, left?.at(-1)?.deleted, revision]).toEqual([2, true, 6])
  })

  it('without a lease the server grants one; an unknown one is refused', async () => {
    const { key } = await lock('l', '0')
    expect(t(key)).toMatch(/^l\/[0-9a-f]+$/)
    expect(await refusal(lock('m', '99'))).toBe('2 etcdserver: requested lease not found')
    expect(t((await lock('', '-30')).key)).toBe('/-1e')
    expect(await refusal(unlock(b('')))).toBe('2 etcdserver: key is not provided')
    at.member.at(60_000)
    expect(t((await lock('l', '0')).key)).not.toBe(t(key))
  })
})

describe('elections', () => {
  const campaign = (lease: string, value: string, name = 'e') =>
    at.channel.unary(etcdElection.campaign, { name: b(name), lease, value: b(value) }, TIMEOUT)
  const leader = (name = 'e') => at.channel.unary(etcdElection.leader, { name: b(name) }, TIMEOUT)
  const wordOf = ({ kv }: LeaderResponse) => t(kv?.value ?? b(''))

  it('one leads; the next does once the first resigns', async () => {
    expect(await refusal(leader())).toBe('2 election: no leader')
    const first = await campaign('1', 'a')
    expect([t(first.leader?.name ?? b('')), t(first.leader?.key ?? b(''))]).toEqual(['e', 'e/1'])
    expect(first.leader).toMatchObject({ rev: 2, lease: '1' })
    const second = watched(campaign('2', 'b'))
    await waits('e/2')
    expect(wordOf(await leader())).toBe('a')
    // Once more under the same lease, with another value.
    const again = await campaign('1', 'aa')
    expect(again.leader?.rev).toBe(2)
    expect(wordOf(await leader())).toBe('aa')
    expect(second.ended()).toBe(false)
    await at.channel.unary(etcdElection.resign, { leader: first.leader }, TIMEOUT)
    expect((await second.promise).leader).toMatchObject({ rev: 3, lease: '2' })
    expect(wordOf(await leader())).toBe('b')
  })

  it('only who leads proclaims', async () => {
    const first = await campaign('1', 'a')
    const proclaim = (term: typeof first.leader, value: string) =>
      at.channel.unary(etcdElection.proclaim, { leader: term, value: b(value) }, TIMEOUT)
    await proclaim(first.leader, 'c')
    expect(wordOf(await leader())).toBe('c')
    await at.channel.unary(etcdElection.resign, { leader: first.leader }, TIMEOUT)
    expect(await refusal(proclaim(first.leader, 'd'))).toBe('2 election: not leader')
    expect(await refusal(proclaim(undefined, 'd'))).toBe('2 "leader" field must be provided')
    const resign = (term: typeof first.leader) =>
      at.channel.unary(etcdElection.resign, { leader: term }, TIMEOUT)
    // Over already.
    await resign(first.leader)
    expect(await refusal(resign(undefined))).toBe('2 "leader" field must be provided')
  })

  it('who observes is told of every leader and every word of theirs', async () => {
    const told: string[] = []
    const stream = at.channel.stream(etcdElection.observe)
    stream.onMessage((response) => told.push(wordOf(response)))
    stream.write({ name: b('e') })
    stream.end()
    const heard = (...values: string[]) => expect.poll(() => told).toEqual(values)
    const first = await campaign('1', 'a')
    await heard('a')
    await campaign('1', 'b')
    await heard('a', 'b')
    const second = campaign('2', 'c')
    await waits('e/2')
    await at.channel.unary(etcdElection.resign, { leader: first.leader }, TIMEOUT)
    await second
    await heard('a', 'b', 'c')
    at.member.apply(command.revoke('2'))
    await campaign('3', 'd')
    await heard('a', 'b', 'c', 'd')
    stream.cancel()
  })
})
