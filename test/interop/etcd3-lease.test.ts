/** The npm client etcd3: leases lost and kept, locks, elections. */
import { once } from 'node:events'
import { Etcd3, EtcdLeaseInvalidError, EtcdLockFailedError } from 'etcd3'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { OURS_AND_GATEWAY, type Target } from './support/targets.js'

const DEADLINE_MS = 20_000

describe.each(OURS_AND_GATEWAY)('etcd3 on %s', (_, start) => {
  let target: Target
  let client: Etcd3
  let other: Etcd3
  beforeAll(async () => {
    target = await start()
  })
  afterAll(() => target.close())
  beforeEach(() => {
    const hosts = target.endpoints.map((endpoint) => `http://${endpoint}`)
    client = new Etcd3({ hosts })
    other = new Etcd3({ hosts })
  })
  afterEach(() => {
    client.close()
    other.close()
  })

  it('a lease is kept alive, and its keys go when it is revoked', async () => {
    const lease = client.lease(2)
    const kept = once(lease, 'keepaliveSucceeded', { signal: AbortSignal.timeout(DEADLINE_MS) })
    await lease.put('kept').value('v')
    await kept
    const answer = await lease.keepaliveOnce()
    expect(Number(answer.TTL)).toBeGreaterThan(0)
    expect(await client.get('kept').string()).toBe('v')
    await lease.revoke()
    expect(await client.get('kept').string()).toBeNull()
    expect(lease.revoked()).toBe(true)
  })

  it('a lease that somebody else revokes is lost, and says so', async () => {
    const lease = client.lease(2)
    const id = await lease.grant()
    const lost = once(lease, 'lost', { signal: AbortSignal.timeout(DEADLINE_MS) })
    await other.leaseClient.leaseRevoke({ ID: id })
    const [error] = await lost
    expect(error).toBeInstanceOf(EtcdLeaseInvalidError)
    await expect(lease.put('k').value('v').exec()).rejects.toBeInstanceOf(EtcdLeaseInvalidError)
  })

  it('a lease that nobody keeps expires', async () => {
    const lease = client.lease(2, { autoKeepAlive: false })
    const watcher = client.watch().key('unkept').only('delete').watcher()
    await once(watcher, 'connected')
    const gone = once(watcher, 'delete', { signal: AbortSignal.timeout(DEADLINE_MS) })
    await lease.put('unkept').value('v')
    await gone
    expect(await client.get('unkept').string()).toBeNull()
    await watcher.cancel()
  })

  it('a lock is held by one', async () => {
    const lock = client.lock('lock').ttl(5)
    await lock.acquire()
    await expect(other.lock('lock').acquire()).rejects.toBeInstanceOf(EtcdLockFailedError)
    await lock.release()
    expect(await other.lock('lock').do(async () => 'done')).toBe('done')
  })

  it('one leads, observers hear who, and the next leads when it resigns', async () => {
    const first = client.election('e', 5).campaign('one')
    await first.wait()
    const observer = await other.election('e', 5).observe()
    const heard: (string | undefined)[] = [observer.leader()]
    const signal = AbortSignal.timeout(DEADLINE_MS)
    observer.on('change', (leader) => heard.push(leader))
    const until = async (leader: string) => {
      while (heard.at(-1) !== leader) await once(observer, 'change', { signal })
    }
    await until('one')
    const second = other.election('e', 5).campaign('two')
    await second.getCampaignKey()
    await first.proclaim('uno')
    await until('uno')
    // Its word of being elected may come before the answer to who resigns, and is said once.
    const elected = second.wait()
    await first.resign()
    await elected
    await until('two')
    expect(await client.election('e', 5).leader()).toBe('two')
    await second.resign()
    await observer.cancel()
  })
})
